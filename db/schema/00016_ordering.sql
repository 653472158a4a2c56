-- +goose NO TRANSACTION
-- +goose Up

-- Events of one ordering key go to one endpoint one after the other. A row for
-- each endpoint and key in use: whoever adds to the line or takes from it locks
-- the row first, and that lock's order is the order. Numbers begin at the time in
-- microseconds when the row was made, so that one which was removed while idle
-- and made again repeats none. Keys compare by their bytes.
CREATE TABLE IF NOT EXISTS ordering_keys (
    endpoint_id  uuid        NOT NULL,
    ordering_key text        COLLATE "C" NOT NULL,
    workspace_id text        NOT NULL,
    last_seq     bigint      NOT NULL,
    -- Whose turn it is; NULL while nothing is pending.
    head_seq     bigint,
    head_id      uuid,
    moved_at     timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (endpoint_id, ordering_key),
    CHECK ((head_seq IS NULL) = (head_id IS NULL)),
    CHECK (head_seq <= last_seq)
) WITH (fillfactor = 70);

-- Who waits behind a head. One table for all days, for the next in line may be of
-- any; the delivery's id tells which.
CREATE TABLE IF NOT EXISTS ordering_queue (
    endpoint_id  uuid    NOT NULL,
    ordering_key text    COLLATE "C" NOT NULL,
    seq          bigint  NOT NULL,
    delivery_id  uuid    NOT NULL,
    workspace_id text    NOT NULL,
    event_id     uuid    NOT NULL,
    bulk         boolean NOT NULL,
    PRIMARY KEY (endpoint_id, ordering_key, seq)
);

ALTER TABLE events ADD COLUMN IF NOT EXISTS ordering_key text;

-- A day's copy without bodies that waits for its swap must have the column, too.
-- old release: a copy is retention's own and read by nobody before its swap.
-- +goose StatementBegin
DO $$
DECLARE copy text;
BEGIN
    FOR copy IN SELECT oid::regclass::text FROM pg_catalog.pg_class
                WHERE relnamespace = current_schema()::regnamespace AND relkind = 'r' AND relname ~ '^events_p[0-9]{8}_bare$' LOOP
        EXECUTE format('ALTER TABLE %s ADD COLUMN IF NOT EXISTS ordering_key text', copy);
    END LOOP;
END $$;
-- +goose StatementEnd

-- What is parked, but for those that only wait for their turn: a line may be long,
-- and whoever lets an endpoint's deliveries go must not read over it.
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
        EXECUTE format('CREATE INDEX IF NOT EXISTS %I ON %s (endpoint_id, id)
            WHERE status = ''pending'' AND parked AND held_reason <> ''ordering''', day || '_held', day);
        COMMIT;
    END LOOP;
END $$;
-- +goose StatementEnd
-- old release: this reads nothing, it takes the days' indexes over.
CREATE INDEX IF NOT EXISTS deliveries_held ON deliveries (endpoint_id, id)
    WHERE status = 'pending' AND parked AND held_reason <> 'ordering';

-- +goose Down
DROP INDEX IF EXISTS deliveries_held;
ALTER TABLE events DROP COLUMN IF EXISTS ordering_key;
DROP TABLE IF EXISTS ordering_queue, ordering_keys;
