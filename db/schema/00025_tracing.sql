-- +goose NO TRANSACTION
-- +goose Up

-- Where in its publisher's trace an event was accepted: trace id, span id and flags,
-- 25 bytes. NULL unless tracing is on and the trace is recorded.
--
-- old release: it writes and reads columns by their names, so this stays NULL for
-- what it accepts. Adding it rewrites nothing.
ALTER TABLE events ADD COLUMN IF NOT EXISTS trace bytea;

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
        EXECUTE format('ALTER TABLE %s ADD COLUMN IF NOT EXISTS trace bytea', copied);
    END LOOP;
END $$;
-- +goose StatementEnd

-- +goose Down
ALTER TABLE events DROP COLUMN IF EXISTS trace;
