-- name: InsertKey :execrows
-- Nothing is inserted for a workspace that does not exist. Index: workspaces_pkey.
INSERT INTO keys (id, workspace_id, name, hash, hint, scopes)
SELECT @id, w.id, @name, @hash, @hint, @scopes FROM workspaces w
WHERE w.id = @workspace_id AND w.deleted_at IS NULL;

-- name: KeyByHash :one
-- Index: keys_hash_key, workspaces_pkey.
SELECT k.id, k.workspace_id, k.name, k.hint, k.scopes
FROM keys k JOIN workspaces w ON w.id = k.workspace_id
WHERE k.hash = @hash AND k.revoked_at IS NULL AND w.deleted_at IS NULL;

-- name: ListKeys :many
-- Index: keys_workspace.
SELECT id, workspace_id, name, hint, scopes FROM keys
WHERE workspace_id = @workspace_id AND revoked_at IS NULL AND id < @before
ORDER BY id DESC LIMIT @row_limit::int;

-- name: RevokeKey :execrows
-- Index: keys_pkey.
UPDATE keys SET revoked_at = now() WHERE id = @id AND workspace_id = @workspace_id AND revoked_at IS NULL;
