-- +goose Up

-- What a delivery's row may be, by its status: one condition in place of five that each
-- looked at the status, for each row that is written. They say the same.
--
-- old release: what it writes kept the five, and keeps this. A row that is there already
-- kept them, too, so none is read for it (NOT VALID). A day made later has it from the
-- parent, also where that release makes it.
ALTER TABLE deliveries
    DROP CONSTRAINT deliveries_status_check, DROP CONSTRAINT deliveries_check, DROP CONSTRAINT deliveries_check1,
    DROP CONSTRAINT deliveries_check2, DROP CONSTRAINT deliveries_check3,
    ADD CONSTRAINT deliveries_state CHECK (CASE
        WHEN status = 'success' THEN next_attempt_at IS NULL AND completed_at IS NOT NULL AND task IS NULL AND NOT parked
        WHEN status = 'pending' THEN next_attempt_at IS NOT NULL AND completed_at IS NULL
            AND (NOT parked OR (task IS NULL AND held_reason IS NOT NULL))
        WHEN status IN ('failed', 'canceled') THEN next_attempt_at IS NULL AND completed_at IS NOT NULL AND task IS NULL AND NOT parked
        ELSE false END) NOT VALID;

-- +goose Down
ALTER TABLE deliveries
    DROP CONSTRAINT deliveries_state,
    ADD CONSTRAINT deliveries_status_check CHECK (status IN ('pending', 'success', 'failed', 'canceled')) NOT VALID,
    ADD CONSTRAINT deliveries_check CHECK ((status = 'pending') = (next_attempt_at IS NOT NULL)) NOT VALID,
    ADD CONSTRAINT deliveries_check1 CHECK ((status = 'pending') = (completed_at IS NULL)) NOT VALID,
    ADD CONSTRAINT deliveries_check2 CHECK (task IS NULL OR (status = 'pending' AND NOT parked)) NOT VALID,
    ADD CONSTRAINT deliveries_check3 CHECK (NOT parked OR (status = 'pending' AND held_reason IS NOT NULL)) NOT VALID;
