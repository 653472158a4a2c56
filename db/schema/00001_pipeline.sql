-- +goose Up

-- A tenant. endpoints_version grows with every change of its endpoints, in the
-- change's own transaction; the row lock orders the commits, so an API process
-- that reads the version before matching knows whether its copy is stale.
CREATE TABLE workspaces (
    id                text PRIMARY KEY CHECK (id ~ '^[A-Za-z0-9_-]{1,64}$'),
    name              text        NOT NULL,
    endpoints_version bigint      NOT NULL DEFAULT 0,
    created_at        timestamptz NOT NULL DEFAULT now(),
    updated_at        timestamptz NOT NULL DEFAULT now(),
    deleted_at        timestamptz
);
CREATE INDEX workspaces_newest ON workspaces (created_at DESC, id DESC) WHERE deleted_at IS NULL;

-- An API key: its SHA-256 only, never the key.
CREATE TABLE keys (
    id           uuid PRIMARY KEY,
    workspace_id text        NOT NULL REFERENCES workspaces (id),
    name         text        NOT NULL,
    hash         bytea       NOT NULL UNIQUE,
    hint         text        NOT NULL,
    scopes       text[]      NOT NULL,
    revoked_at   timestamptz
);
CREATE INDEX keys_workspace ON keys (workspace_id, id DESC) WHERE revoked_at IS NULL;

-- A receiver. secret and headers are encrypted with the endpoint's id as
-- additional data; a deleted endpoint keeps its row but not those two.
-- filters and metadata are json, not jsonb: they come back as they were given.
CREATE TABLE endpoints (
    id              uuid PRIMARY KEY,
    workspace_id    text        NOT NULL REFERENCES workspaces (id),
    url             text        NOT NULL,
    events          text[]      NOT NULL CHECK (cardinality(events) > 0),
    filters         json,
    description     text        NOT NULL DEFAULT '',
    is_active       boolean     NOT NULL DEFAULT true,
    disabled_at     timestamptz,
    disabled_reason text,
    secret          bytea,
    headers         bytea,
    timeout_s       integer CHECK (timeout_s BETWEEN 1 AND 60),
    retry_schedule  integer[], -- seconds; NULL is the deployment's default
    rate_limit      integer CHECK (rate_limit > 0),
    max_in_flight   integer CHECK (max_in_flight BETWEEN 1 AND 10000),
    metadata        json,
    version         bigint      NOT NULL,
    updated_at      timestamptz NOT NULL DEFAULT now(),
    deleted_at      timestamptz,
    CHECK (is_active = (disabled_at IS NULL)),
    CHECK (deleted_at IS NOT NULL OR secret IS NOT NULL)
);
CREATE INDEX endpoints_workspace ON endpoints (workspace_id, id DESC) WHERE deleted_at IS NULL;

-- What is known of an endpoint that fails; a healthy one has no row. The
-- breaker lives here and not in Redis, so that FLUSHALL forgets no outage.
CREATE TABLE endpoint_health (
    endpoint_id   uuid PRIMARY KEY,
    workspace_id  text        NOT NULL,
    failures      integer     NOT NULL, -- failed attempts in a row
    failing_since timestamptz NOT NULL,
    -- Set while the breaker is open: nothing but the probe goes out before.
    open_until    timestamptz,
    opens         integer     NOT NULL DEFAULT 0, -- probes failed in this outage
    -- The one delivery let through while open, and since when.
    probe_id      uuid,
    probe_at      timestamptz,
    updated_at    timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX endpoint_health_updated ON endpoint_health (updated_at);

-- One row for each endpoint that has parked deliveries: why, and when the
-- scheduler looks again. A million held rows cost nothing meanwhile.
CREATE TABLE parked_endpoints (
    endpoint_id   uuid PRIMARY KEY,
    workspace_id  text        NOT NULL,
    reason        text        NOT NULL,
    next_check_at timestamptz NOT NULL,
    release_count integer     NOT NULL DEFAULT 1 -- how many to let go next; doubles
);
CREATE INDEX parked_endpoints_due ON parked_endpoints (next_check_at);

-- The hot tables. Their keys are ULIDs in a uuid: the first 48 bits are the
-- time an event was accepted, children carry the same time, and a range of ids
-- is a day. So the key is the partition key, an id alone names its partition,
-- and (workspace_id, id) is at once the primary key and the order of lists.
-- No foreign keys: they cost more than half of the CPU of an insert.
CREATE TABLE events (
    id           uuid        NOT NULL,
    workspace_id text        NOT NULL,
    external_id  text, -- the caller's own id
    type         text        NOT NULL,
    created_at   timestamptz NOT NULL, -- the producer's word, part of the payload
    body         bytea, -- what is signed and sent; NULL once payloads have expired
    deliveries   integer     NOT NULL,
    PRIMARY KEY (workspace_id, id)
) PARTITION BY RANGE (id);

-- A caller's own event id, so that giving it twice is the same event.
CREATE TABLE event_ids (
    workspace_id text NOT NULL,
    id           text NOT NULL,
    event_id     uuid NOT NULL,
    PRIMARY KEY (workspace_id, id)
);
CREATE INDEX event_ids_event ON event_ids (event_id);

CREATE TABLE deliveries (
    id              uuid     NOT NULL,
    workspace_id    text     NOT NULL,
    event_id        uuid     NOT NULL,
    endpoint_id     uuid     NOT NULL,
    event_type      text     NOT NULL,
    status          text     NOT NULL DEFAULT 'pending',
    -- Who holds a pending row: a task in Redis (c_, b_ or r_ and a ULID), a
    -- worker (w_…), or NULL: only this table knows, and feed takes it when due.
    -- A task's id is never used twice, so task and attempts together are the
    -- fence that a record has to match.
    task            text,
    next_attempt_at timestamptz,
    attempts        integer  NOT NULL DEFAULT 0,
    -- Attempts made before the present schedule started (manual retries, probes).
    schedule_start  integer  NOT NULL DEFAULT 0,
    parked          boolean  NOT NULL DEFAULT false,
    held_reason     text,
    held_until      timestamptz,
    completed_at    timestamptz,
    -- Why it ended without an attempt having decided it: canceled, expired….
    reason          text,
    bulk            boolean  NOT NULL DEFAULT false,
    replay_id       uuid,
    ordering_key    text,
    ordering_seq    bigint,
    PRIMARY KEY (workspace_id, id),
    CHECK (status IN ('pending', 'success', 'failed', 'canceled')),
    CHECK ((status = 'pending') = (next_attempt_at IS NOT NULL)),
    CHECK ((status = 'pending') = (completed_at IS NULL)),
    CHECK (task IS NULL OR (status = 'pending' AND NOT parked)),
    CHECK (NOT parked OR (status = 'pending' AND held_reason IS NOT NULL))
) PARTITION BY RANGE (id);
CREATE INDEX deliveries_endpoint ON deliveries (endpoint_id, id);
CREATE INDEX deliveries_unsuccessful ON deliveries (workspace_id, status, id) WHERE status IN ('failed', 'canceled');
-- A pending row is in exactly one of these three: feed's, audit's or the parked.
CREATE INDEX deliveries_feed ON deliveries (next_attempt_at) WHERE status = 'pending' AND task IS NULL AND NOT parked;
CREATE INDEX deliveries_audit ON deliveries (next_attempt_at) WHERE status = 'pending' AND task IS NOT NULL;
CREATE INDEX deliveries_parked ON deliveries (endpoint_id, id) WHERE status = 'pending' AND parked;

-- bytea for all that a stranger sent: text refuses a NUL byte, and one hostile
-- answer would fail the whole group it is recorded with.
CREATE TABLE attempts (
    delivery_id      uuid        NOT NULL,
    workspace_id     text        NOT NULL,
    id               uuid        NOT NULL,
    number           integer     NOT NULL,
    started_at       timestamptz NOT NULL,
    duration_us      bigint      NOT NULL,
    status_code      integer,
    error            text,
    error_class      text,
    request_headers  bytea       NOT NULL,
    response_headers bytea,
    response_body    bytea,
    PRIMARY KEY (workspace_id, delivery_id, id)
) PARTITION BY RANGE (delivery_id);

-- Leadership: one row a role, renewed by Postgres's clock.
CREATE TABLE leases (
    name       text PRIMARY KEY,
    holder     text        NOT NULL,
    epoch      bigint      NOT NULL,
    expires_at timestamptz NOT NULL
);

-- Workers that are alive: what says whether a delivery held by 'w_…' is in good hands.
CREATE TABLE workers (
    id           text PRIMARY KEY,
    host         text        NOT NULL,
    started_at   timestamptz NOT NULL DEFAULT now(),
    heartbeat_at timestamptz NOT NULL DEFAULT now()
);

-- +goose Down
DROP TABLE workers, leases, attempts, deliveries, event_ids, events,
    parked_endpoints, endpoint_health, endpoints, keys, workspaces;
