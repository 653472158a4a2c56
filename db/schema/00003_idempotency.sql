-- +goose Up
-- What a POST with an Idempotency-Key was answered. Whoever begins it has the
-- claim until then; without an answer by then it died, and the next one goes on
-- with the same token, which the ids of what it makes come from.
CREATE TABLE idempotency_keys (
    workspace_id  text        NOT NULL, -- '' for the admin's own routes
    route         text        NOT NULL, -- method and path
    key           text        NOT NULL,
    request_hash  bytea       NOT NULL,
    token         uuid        NOT NULL,
    claim         uuid        NOT NULL,
    claimed_until timestamptz NOT NULL,
    answer        bytea, -- encrypted, for keys and secrets are among the answers
    created_at    timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (workspace_id, route, key)
);
CREATE INDEX idempotency_keys_created ON idempotency_keys (created_at);

-- +goose Down
DROP TABLE idempotency_keys;
