-- +goose Up
-- Waits for a moment without readers of the stats, and they behind it: rather fail than hold them.
SET LOCAL lock_timeout = '3s';

-- Cells and counts once more, as bytes: 2 of a cell and 4 of its count, big end first,
-- by cell. Postgres hands them out as they are, where it converts each element of an
-- array: a month of a busy workspace has 180,000.
CREATE FUNCTION stats_pack(cells smallint[], counts integer[]) RETURNS bytea LANGUAGE sql IMMUTABLE PARALLEL SAFE AS
$$ SELECT string_agg(int2send(u.cell) || int4send(u.n), ''::bytea ORDER BY u.cell) FROM unnest(cells, counts) u(cell, n) $$;

-- old release: it reads and writes cells and counts; what it counts has NULL here and is
-- packed whenever it is read. Adding it rewrites nothing.
ALTER TABLE stats_tallies ADD COLUMN packed bytea;
-- Twice as wide a row is to be read without TOAST, too.
-- old release: its rows are half as wide, and stay as they are.
ALTER TABLE stats_tallies SET (toast_tuple_target = 8160);

-- Six hours or a day of an endpoint together, for the windows whose parts they are. What
-- is in it is the sum of stats_tallies, unless stats_unrolled says otherwise.
CREATE TABLE stats_rollups (
    workspace_id text     NOT NULL,
    endpoint_id  uuid     NOT NULL,
    minutes      smallint NOT NULL CHECK (minutes IN (360, 1440)),
    start_minute integer  NOT NULL CHECK (start_minute % minutes = 0),
    packed       bytea    NOT NULL,
    PRIMARY KEY (workspace_id, endpoint_id, minutes, start_minute)
) WITH (toast_tuple_target = 8160);
CREATE INDEX stats_rollups_start ON stats_rollups (start_minute, minutes, workspace_id);

-- Which of them are out of date, or not there yet: the leader adds up the oldest first.
CREATE TABLE stats_unrolled (
    end_minute   integer  NOT NULL,
    minutes      smallint NOT NULL,
    workspace_id text     NOT NULL,
    PRIMARY KEY (end_minute, minutes, workspace_id)
);

-- A rollup goes out of date in the transaction that changes what it adds up, whoever does.
-- +goose StatementBegin
CREATE FUNCTION stats_unroll() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO stats_unrolled (end_minute, minutes, workspace_id)
    SELECT DISTINCT c.start_minute / r.minutes * r.minutes + r.minutes, r.minutes, c.workspace_id
    FROM changed c CROSS JOIN (VALUES (360::smallint), (1440::smallint)) r (minutes)
    ON CONFLICT DO NOTHING;
    RETURN NULL;
END $$;
-- +goose StatementEnd

-- old release: when it counts again, what is rolled up is out of date, too.
CREATE TRIGGER stats_unroll_insert AFTER INSERT ON stats_tallies
    REFERENCING NEW TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION stats_unroll();
-- old release: as above.
CREATE TRIGGER stats_unroll_delete AFTER DELETE ON stats_tallies
    REFERENCING OLD TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION stats_unroll();

-- +goose Down
DROP TRIGGER stats_unroll_delete ON stats_tallies;
DROP TRIGGER stats_unroll_insert ON stats_tallies;
DROP FUNCTION stats_unroll();
DROP TABLE stats_unrolled, stats_rollups;
ALTER TABLE stats_tallies RESET (toast_tuple_target);
ALTER TABLE stats_tallies DROP COLUMN packed;
DROP FUNCTION stats_pack(smallint[], integer[]);
