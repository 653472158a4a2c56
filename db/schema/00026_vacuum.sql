-- +goose NO TRANSACTION
-- +goose Up

-- Every delivery leaves one dead row behind, or a few. With Postgres's defaults a busy
-- day is looked after once a fifth of it is dead, and then no faster than on a disk of
-- long ago. New days are made with these settings (internal/postgres, dayStorage).
--
-- old release: it makes its days without them, which is as it was. Setting them holds
-- up nobody who reads or writes; a vacuum that is at work gives way.
-- +goose StatementBegin
DO $$
DECLARE day text;
BEGIN
    FOR day IN SELECT inhrelid::regclass::text FROM pg_catalog.pg_inherits
               WHERE inhparent = 'deliveries'::regclass ORDER BY 1 LOOP
        EXECUTE format('ALTER TABLE %s SET (autovacuum_vacuum_scale_factor = 0.05, autovacuum_vacuum_cost_limit = 1000)', day);
        COMMIT;
    END LOOP;
END $$;
-- +goose StatementEnd

-- +goose Down
-- +goose StatementBegin
DO $$
DECLARE day text;
BEGIN
    FOR day IN SELECT inhrelid::regclass::text FROM pg_catalog.pg_inherits
               WHERE inhparent = 'deliveries'::regclass ORDER BY 1 LOOP
        EXECUTE format('ALTER TABLE %s RESET (autovacuum_vacuum_scale_factor, autovacuum_vacuum_cost_limit)', day);
        COMMIT;
    END LOOP;
END $$;
-- +goose StatementEnd
