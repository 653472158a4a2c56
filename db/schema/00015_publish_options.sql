-- +goose NO TRANSACTION
-- +goose Up

-- What a publisher may say of an event besides what it is. All NULL as a rule.
-- endpoint_ids are the only endpoints that were considered; deliver_at is when its
-- first attempts were to be made at the earliest, and stands on the deliveries as
-- well, which are measured from it.
--
-- old release: it writes and reads columns by their names, so these stay NULL for
-- what it accepts. Adding them rewrites nothing, and each table is locked by itself:
-- some read deliveries before events, and others the other way round.
ALTER TABLE events ADD COLUMN IF NOT EXISTS endpoint_ids uuid[], ADD COLUMN IF NOT EXISTS deliver_at timestamptz;
ALTER TABLE deliveries ADD COLUMN IF NOT EXISTS deliver_at timestamptz;

-- A day's copy without bodies may wait for its turn to take the day's place, for
-- which it must have all columns.
--
-- old release: it names the columns that it copies, so more of them trouble it not.
-- +goose StatementBegin
DO $$
DECLARE copied text;
BEGIN
    FOR copied IN SELECT oid::regclass::text FROM pg_catalog.pg_class
                  WHERE relnamespace = current_schema()::regnamespace AND relkind = 'r' AND relname ~ '^events_p[0-9]{8}_bare$' LOOP
        EXECUTE format('ALTER TABLE %s ADD COLUMN IF NOT EXISTS endpoint_ids uuid[], ADD COLUMN IF NOT EXISTS deliver_at timestamptz', copied);
    END LOOP;
END $$;
-- +goose StatementEnd

-- +goose Down
ALTER TABLE deliveries DROP COLUMN IF EXISTS deliver_at;
ALTER TABLE events DROP COLUMN IF EXISTS endpoint_ids, DROP COLUMN IF EXISTS deliver_at;
