-- +goose Up
-- Waits for a moment without writers, and they behind it: rather fail than hold them.
SET LOCAL lock_timeout = '3s';

-- A workspace's endpoints that fail, newest first. Only those that fail have a row.
-- old release: writes it like any index.
CREATE INDEX endpoint_health_workspace ON endpoint_health (workspace_id, endpoint_id);

-- +goose Down
DROP INDEX endpoint_health_workspace;
