-- name: InsertWorkspace :one
-- No row comes back when the id is taken, be it by a deleted workspace.
-- Index: workspaces_pkey.
INSERT INTO workspaces (id, name, portal_origins) VALUES (@id, @name, @portal_origins)
ON CONFLICT DO NOTHING
RETURNING id, name, portal_origins, created_at, updated_at;

-- name: WorkspaceByID :one
-- Index: workspaces_pkey.
SELECT id, name, portal_origins, created_at, updated_at FROM workspaces WHERE id = @id AND deleted_at IS NULL;

-- name: ListWorkspaces :many
-- Index: workspaces_newest.
SELECT id, name, portal_origins, created_at, updated_at FROM workspaces
WHERE deleted_at IS NULL AND (created_at, id) < (@before_time::timestamptz, @before_id::text)
ORDER BY created_at DESC, id DESC LIMIT @row_limit::int;

-- name: LockWorkspace :one
-- What it is before it is changed. Index: workspaces_pkey.
SELECT name, portal_origins FROM workspaces WHERE id = @id AND deleted_at IS NULL FOR NO KEY UPDATE;

-- name: UpdateWorkspace :one
-- Index: workspaces_pkey.
UPDATE workspaces SET name = @name, portal_origins = @portal_origins, updated_at = now()
WHERE id = @id AND deleted_at IS NULL
RETURNING id, name, portal_origins, created_at, updated_at;

-- name: DeleteWorkspace :one
-- The version moves too, for its endpoints go with it. Index: workspaces_pkey.
UPDATE workspaces SET deleted_at = now(), updated_at = now(), endpoints_version = endpoints_version + 1
WHERE id = @id AND deleted_at IS NULL
RETURNING endpoints_version;

-- name: DeleteWorkspaceEndpoints :many
-- Index: endpoints_workspace.
UPDATE endpoints SET deleted_at = now(), updated_at = now(), secret = NULL, headers = NULL, version = @version
WHERE workspace_id = @workspace_id AND deleted_at IS NULL
RETURNING id;

-- name: RevokeWorkspaceKeys :exec
-- Index: keys_workspace.
UPDATE keys SET revoked_at = now() WHERE workspace_id = @workspace_id AND revoked_at IS NULL;
