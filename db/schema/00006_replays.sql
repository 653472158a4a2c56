-- +goose Up
-- A job of the scheduler: new deliveries of stored events to one endpoint, or,
-- without endpoint_id, of one event to several, which is done at once. position
-- is the last delivery (or, for what is missing, event) gone through; it moves in
-- the transaction that makes the deliveries, so that a kill repeats and loses
-- none.
CREATE TABLE replays (
    id           uuid PRIMARY KEY,
    workspace_id text        NOT NULL,
    endpoint_id  uuid,
    event_id     uuid,
    first_id     uuid        NOT NULL, -- ids from this one on
    end_id       uuid        NOT NULL, -- up to, not with, this one
    statuses     text[]      NOT NULL,
    types        text[]      NOT NULL,
    status       text        NOT NULL CHECK (status IN ('running', 'done', 'canceled')),
    total        bigint      NOT NULL,
    done         bigint      NOT NULL DEFAULT 0,
    position     uuid        NOT NULL,
    finished_at  timestamptz,
    CHECK ((endpoint_id IS NULL) <> (event_id IS NULL)),
    CHECK ((status = 'running') = (finished_at IS NULL))
);
CREATE INDEX replays_workspace ON replays (workspace_id, id DESC);
CREATE INDEX replays_running ON replays (id) WHERE status = 'running';

-- +goose Down
DROP TABLE replays;
