-- name: InsertAuditEntry :exec
INSERT INTO audit_log (id, workspace_id, key_id, action, target_kind, target, request_id, remote_addr, changes, portal)
VALUES (@id, @workspace_id, @key_id, @action, @target_kind, @target, @request_id, @remote_addr, @changes, @portal);

-- name: ListAuditLog :many
-- Index: audit_log_workspace; audit_log_actor, audit_log_action or
-- audit_log_target where those are given.
SELECT id, workspace_id, key_id, action, target_kind, target, request_id, remote_addr, changes, portal FROM audit_log
WHERE workspace_id = @workspace_id AND id >= @lo AND id < @hi
  AND (NOT @by_admin::bool OR key_id IS NULL)
  AND (sqlc.narg('by_key')::uuid IS NULL OR key_id = sqlc.narg('by_key')::uuid)
  AND (sqlc.narg('action')::text IS NULL OR action = sqlc.narg('action')::text)
  AND (sqlc.narg('target')::text IS NULL OR target = sqlc.narg('target')::text)
ORDER BY id DESC LIMIT @row_limit::int;

-- name: ListWholeAuditLog :many
-- Every workspace's. Index: audit_log_pkey; audit_log_target where that is given.
SELECT id, workspace_id, key_id, action, target_kind, target, request_id, remote_addr, changes, portal FROM audit_log
WHERE id >= @lo AND id < @hi
  AND (sqlc.narg('target')::text IS NULL OR target = sqlc.narg('target')::text)
ORDER BY id DESC LIMIT @row_limit::int;

-- name: RemoveOldAuditEntries :execrows
-- A page of what is no longer kept. Index: audit_log_pkey.
DELETE FROM audit_log WHERE id IN (
    SELECT o.id FROM audit_log o WHERE o.id < @before ORDER BY o.id LIMIT @n::int FOR UPDATE SKIP LOCKED);
