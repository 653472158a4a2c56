-- +goose Up

-- The sites that may show the portal in a frame.
ALTER TABLE workspaces ADD COLUMN portal_origins text[] NOT NULL DEFAULT '{}';

-- A link into the portal that was not used yet: the SHA-256 of its token only.
-- Who uses it deletes it, so that of two at once one finds nothing.
CREATE TABLE portal_links (
    hash         bytea PRIMARY KEY,
    id           uuid        NOT NULL, -- what the audit log calls whoever comes by it
    workspace_id text        NOT NULL REFERENCES workspaces (id),
    manage       boolean     NOT NULL,
    expires_at   timestamptz NOT NULL
);
CREATE INDEX portal_links_expires ON portal_links (expires_at);

-- Who is signed in. Of the cookie's token there is a hash only; of a session that
-- the admin key opened it is keyed with that key, so that another key ends it.
CREATE TABLE console_sessions (
    hash         bytea PRIMARY KEY,
    kind         text        NOT NULL CHECK (kind IN ('admin', 'key', 'portal')),
    key_id       uuid REFERENCES keys (id),
    link_id      uuid, -- the portal's: what the audit log calls it
    workspace_id text REFERENCES workspaces (id),
    manage       boolean     NOT NULL DEFAULT false,
    expires_at   timestamptz NOT NULL,
    CHECK ((kind = 'admin') = (workspace_id IS NULL)),
    CHECK ((kind = 'key') = (key_id IS NOT NULL)),
    CHECK ((kind = 'portal') = (link_id IS NOT NULL))
);
CREATE INDEX console_sessions_expires ON console_sessions (expires_at);

-- What key_id is then: the portal link that the caller came by.
ALTER TABLE audit_log ADD COLUMN portal boolean NOT NULL DEFAULT false;

-- +goose Down
ALTER TABLE audit_log DROP COLUMN portal;
DROP TABLE console_sessions;
DROP TABLE portal_links;
ALTER TABLE workspaces DROP COLUMN portal_origins;
