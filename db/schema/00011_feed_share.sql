-- +goose NO TRANSACTION
-- +goose Up

-- Feed finds by it who has something due without reading over one workspace's
-- backlog, however long. A row that a task holds is not in it, so what is
-- published while Redis is there costs no entry. Its collation is C, so that the
-- program can merge the days' workspaces whatever the database's language.
--
-- old release: nobody waits for the days that are there. Their indexes are made
-- CONCURRENTLY before this (internal/postgres, dayIndexes); what is left to do here
-- is a day that was made meanwhile, which is empty.
-- +goose StatementBegin
DO $$
DECLARE day text;
BEGIN
    FOR day IN SELECT inhrelid::regclass::text FROM pg_catalog.pg_inherits
               WHERE inhparent = 'deliveries'::regclass ORDER BY 1 LOOP
        EXECUTE format('CREATE INDEX IF NOT EXISTS %I ON %s (workspace_id COLLATE "C", bulk, next_attempt_at)
            WHERE status = ''pending'' AND task IS NULL AND NOT parked', day || '_feed_share', day);
        COMMIT;
    END LOOP;
END $$;
-- +goose StatementEnd
-- old release: this reads nothing, it takes the days' indexes over.
CREATE INDEX IF NOT EXISTS deliveries_feed_share ON deliveries (workspace_id COLLATE "C", bulk, next_attempt_at)
    WHERE status = 'pending' AND task IS NULL AND NOT parked;

-- +goose Down
DROP INDEX IF EXISTS deliveries_feed_share;
