-- +goose Up
-- Waits for a moment without writers, and they behind it: rather fail than hold them.
SET LOCAL lock_timeout = '3s';

-- Minutes (unix time / 60, of acceptance) whose deliveries changed since they
-- were counted. Who changes one says so in its own transaction, by the trigger
-- below; a leader counts again. A minute may stand in it twice: two who mark it at
-- the same time don't wait for each other.
CREATE TABLE stats_marks (
    id           bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    workspace_id text        NOT NULL,
    minute       integer     NOT NULL,
    marked_at    timestamptz NOT NULL DEFAULT clock_timestamp(),
    -- Set by the leader: whoever changes something from now on marks anew.
    taken        boolean     NOT NULL DEFAULT false,
    -- Whoever may have relied on the mark before it was taken has an older
    -- transaction: what counts when all of those have ended sees their changes.
    barrier      xid8,
    CHECK (taken OR barrier IS NULL)
);
CREATE INDEX stats_marks_minute ON stats_marks (workspace_id, minute, taken);
CREATE INDEX stats_marks_age ON stats_marks (marked_at);

-- What is known of the deliveries accepted in a minute, or in an hour that is
-- over for long: pairs of a cell, see webhook.Cell, and its count. The zero uuid
-- is all of a workspace.
CREATE TABLE stats_tallies (
    workspace_id text       NOT NULL,
    endpoint_id  uuid       NOT NULL,
    start_minute integer    NOT NULL,
    minutes      smallint   NOT NULL CHECK (minutes IN (1, 60)),
    cells        smallint[] NOT NULL,
    counts       integer[]  NOT NULL, -- half as wide as bigint: a row is read without TOAST
    PRIMARY KEY (workspace_id, endpoint_id, start_minute),
    CHECK (minutes = 1 OR start_minute % 60 = 0)
);
CREATE INDEX stats_tallies_start ON stats_tallies (start_minute, workspace_id);
CREATE INDEX stats_tallies_minutes ON stats_tallies (start_minute) WHERE minutes = 1;

-- How far what was there before this migration is counted: newest day first, by
-- workspace, then by time.
CREATE TABLE stats_backfill (
    id           integer PRIMARY KEY DEFAULT 1 CHECK (id = 1),
    day          integer NOT NULL, -- its first minute
    workspace_id text    NOT NULL DEFAULT '',
    minute       integer NOT NULL DEFAULT 0,
    done         boolean NOT NULL DEFAULT false
);
INSERT INTO stats_backfill (day) VALUES ((floor(extract(epoch FROM now()) / 86400)::integer + 1) * 1440);

-- A histogram's cell: eight of them double the time, from 64 µs to 51 days.
CREATE FUNCTION stats_bucket(us bigint) RETURNS integer LANGUAGE sql IMMUTABLE PARALLEL SAFE AS
$$ SELECT least(floor(8 * ln(greatest(us, 64) / 64::float8) / ln(2::float8)), 287)::integer $$;

-- Deliveries have their event's time in their ids, so an event stands for its rows.
-- An id that has no time of ours must not fail the write: some minute far from all.
-- The probe must come after the change, so that the transaction has its number;
-- an AFTER trigger does. Seen from a snapshot that is kept for a whole
-- transaction a mark may look untaken that is not, so that one always marks.
-- +goose StatementBegin
CREATE FUNCTION stats_mark() RETURNS trigger LANGUAGE plpgsql SET plan_cache_mode = force_generic_plan AS $$
BEGIN
    INSERT INTO stats_marks (workspace_id, minute)
    SELECT c.workspace_id, c.minute
    FROM (SELECT DISTINCT t.workspace_id, least(('x' || encode(substr(uuid_send(t.event_id), 1, 6), 'hex'))::bit(48)::bigint / 60000, 2147480000)::integer AS minute
          FROM (SELECT n.workspace_id, n.event_id FROM changed n GROUP BY n.workspace_id, n.event_id) t) c
    WHERE current_setting('transaction_isolation') <> 'read committed'
       OR NOT EXISTS (SELECT FROM stats_marks m
                      WHERE m.workspace_id = c.workspace_id AND m.minute = c.minute AND NOT m.taken);
    RETURN NULL;
END $$;
-- +goose StatementEnd

-- old release: its writes mark too. Takes a lock that waits for writers, at most for lock_timeout.
CREATE TRIGGER stats_mark_insert AFTER INSERT ON deliveries
    REFERENCING NEW TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION stats_mark();
-- old release: as above.
CREATE TRIGGER stats_mark_update AFTER UPDATE ON deliveries
    REFERENCING NEW TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION stats_mark();

-- +goose Down
DROP TRIGGER stats_mark_update ON deliveries;
DROP TRIGGER stats_mark_insert ON deliveries;
DROP FUNCTION stats_mark();
DROP TABLE stats_backfill, stats_tallies, stats_marks;
DROP FUNCTION stats_bucket(bigint);
