-- What the loading knows besides Postrider's own tables: whose endpoints there are,
-- in the order in which they are busy, and which days are loaded.
CREATE SCHEMA IF NOT EXISTS years;
CREATE TABLE IF NOT EXISTS years.endpoints (
    workspace_id text NOT NULL,
    n            int  NOT NULL,
    endpoint_id  uuid NOT NULL,
    PRIMARY KEY (workspace_id, n)
);
CREATE TABLE IF NOT EXISTS years.days (day date PRIMARY KEY);

-- The day's tables, by themselves and without indexes, as day_events and so on in this
-- session.
CREATE OR REPLACE FUNCTION years.make_day(day timestamptz) RETURNS void LANGUAGE plpgsql AS $$
DECLARE parent text;
BEGIN
    FOREACH parent IN ARRAY ARRAY['events', 'deliveries', 'attempts'] LOOP
        EXECUTE format('DROP VIEW IF EXISTS pg_temp.day_%s', parent);
        EXECUTE format('DROP TABLE IF EXISTS %I', parent || to_char(day AT TIME ZONE 'UTC', '"_p"YYYYMMDD')); -- an empty one
        EXECUTE format('CREATE TABLE %I (LIKE %I INCLUDING DEFAULTS INCLUDING CONSTRAINTS)', parent || to_char(day AT TIME ZONE 'UTC', '"_p"YYYYMMDD'), parent);
        EXECUTE format('CREATE TEMP VIEW day_%s AS SELECT * FROM %I', parent, parent || to_char(day AT TIME ZONE 'UTC', '"_p"YYYYMMDD'));
    END LOOP;
END $$;

-- What makes partitions of them, with all indexes.
CREATE OR REPLACE FUNCTION years.attach_day(day timestamptz, lo uuid, hi uuid) RETURNS void LANGUAGE plpgsql AS $$
DECLARE parent text;
BEGIN
    FOREACH parent IN ARRAY ARRAY['events', 'deliveries', 'attempts'] LOOP
        EXECUTE format('DROP VIEW pg_temp.day_%s', parent);
        EXECUTE format('ALTER TABLE %I ATTACH PARTITION %I FOR VALUES FROM (%L) TO (%L)',
            parent, parent || to_char(day AT TIME ZONE 'UTC', '"_p"YYYYMMDD'), lo, hi);
    END LOOP;
END $$;
