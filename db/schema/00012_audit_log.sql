-- +goose Up
-- Who changed what, written in the change's own transaction. It refers to no
-- other table: an entry outlives what it is about.
CREATE TABLE audit_log (
    id           uuid NOT NULL PRIMARY KEY, -- its time is the request's
    workspace_id text NOT NULL,
    key_id       uuid, -- NULL: the admin
    action       text NOT NULL, -- the operation's id in the API's description
    target_kind  text NOT NULL,
    target       text NOT NULL, -- the id that clients know
    request_id   text NOT NULL,
    remote_addr  text, -- NULL: not known
    changes      json NOT NULL -- json, for jsonb refuses a NUL that a text may hold
);
-- One for each filter: of a million entries a page reads no more than its own.
CREATE INDEX audit_log_workspace ON audit_log (workspace_id, id);
CREATE INDEX audit_log_actor ON audit_log (workspace_id, key_id, id);
CREATE INDEX audit_log_action ON audit_log (workspace_id, action, id);
CREATE INDEX audit_log_target ON audit_log (target, workspace_id, id);

-- +goose Down
DROP TABLE audit_log;
