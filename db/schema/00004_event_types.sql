-- +goose Up

-- What a workspace says of its event types. schema and example are json, not
-- jsonb: they come back as they were given. A change moves the workspace's
-- types_version in its own transaction, as an endpoint's does endpoints_version;
-- 0 means that there never was one, and publishing asks no further.
ALTER TABLE workspaces ADD COLUMN types_version bigint NOT NULL DEFAULT 0;

CREATE TABLE event_types (
    workspace_id text        NOT NULL REFERENCES workspaces (id),
    name         text        NOT NULL CHECK (length(name) BETWEEN 1 AND 256),
    -- A ULID: lists go by it, and a replaced one keeps it.
    id           uuid        NOT NULL,
    description  text        NOT NULL,
    schema       json,
    example      json,
    validation   text        NOT NULL CHECK (validation IN ('off', 'warn', 'reject')),
    -- The types_version of its last change: a compiled schema goes by it.
    version      bigint      NOT NULL,
    updated_at   timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (workspace_id, name),
    CHECK (validation = 'off' OR schema IS NOT NULL)
);
CREATE UNIQUE INDEX event_types_newest ON event_types (workspace_id, id DESC);

-- +goose Down
DROP TABLE event_types;
ALTER TABLE workspaces DROP COLUMN types_version;
