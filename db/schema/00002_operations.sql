-- +goose Up

-- The outbox of operational events: what changes an endpoint or a delivery says
-- so here in its own transaction, and the scheduler publishes it to the workspace
-- that operations.workspace names. Nothing is written while there is none.
CREATE TABLE operational_events (
    -- A ULID. The published event's id is made of it, so that one which is
    -- published twice is one event.
    id           uuid PRIMARY KEY,
    kind         text        NOT NULL, -- the event's type, such as endpoint.failing
    workspace_id text        NOT NULL, -- whose endpoint it is about
    endpoint_id  uuid        NOT NULL,
    delivery_id  uuid,
    event_id     uuid,
    -- For delivery.expired: how many, and of which day. They are counted page by
    -- page into one row.
    deliveries   integer CHECK (deliveries > 0),
    day          date,
    detail       jsonb       NOT NULL, -- see webhook.OperationDetail
    occurred_at  timestamptz NOT NULL DEFAULT now(),
    CHECK ((kind = 'delivery.expired') = (day IS NOT NULL)),
    CHECK ((day IS NULL) = (deliveries IS NULL))
);
CREATE UNIQUE INDEX operational_events_expired ON operational_events (endpoint_id, day) WHERE kind = 'delivery.expired';

-- +goose Down
DROP TABLE operational_events;
