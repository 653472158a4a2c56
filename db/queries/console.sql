-- name: InsertPortalLink :execrows
-- Nothing is inserted for a workspace that does not exist. Index: workspaces_pkey.
INSERT INTO portal_links (hash, id, workspace_id, manage, expires_at)
SELECT @hash, @id, w.id, @manage, @expires_at FROM workspaces w
WHERE w.id = @workspace_id AND w.deleted_at IS NULL;

-- name: TakePortalLink :one
-- Of two who come at once one waits for the other's row lock, and finds no row
-- then. Index: portal_links_pkey, workspaces_pkey.
DELETE FROM portal_links l USING workspaces w
WHERE l.hash = @hash AND l.expires_at > @now AND w.id = l.workspace_id AND w.deleted_at IS NULL
RETURNING l.id, l.workspace_id, l.manage;

-- name: RemoveOldPortalLinks :execrows
-- Index: portal_links_expires.
DELETE FROM portal_links WHERE hash IN (
    SELECT o.hash FROM portal_links o WHERE o.expires_at <= @now ORDER BY o.expires_at LIMIT @n::int FOR UPDATE SKIP LOCKED);

-- name: InsertSession :exec
INSERT INTO console_sessions (hash, kind, key_id, link_id, workspace_id, manage, expires_at)
VALUES (@hash, @kind, @key_id, @link_id, @workspace_id, @manage, @expires_at);

-- name: SessionByHash :one
-- A session lasts no longer than the key that opened it, and its workspace.
-- Index: console_sessions_pkey, keys_pkey, workspaces_pkey.
SELECT s.kind, s.key_id, s.link_id, s.workspace_id, s.manage, s.expires_at,
       coalesce(k.name, '')::text AS key_name, k.scopes AS key_scopes,
       coalesce(w.name, '')::text AS workspace_name, w.portal_origins
FROM console_sessions s
LEFT JOIN keys k ON k.id = s.key_id AND k.revoked_at IS NULL
LEFT JOIN workspaces w ON w.id = s.workspace_id AND w.deleted_at IS NULL
WHERE s.hash = @hash AND s.expires_at > @now
  AND (s.key_id IS NULL OR k.id IS NOT NULL) AND (s.workspace_id IS NULL OR w.id IS NOT NULL);

-- name: RemoveSession :exec
-- Index: console_sessions_pkey.
DELETE FROM console_sessions WHERE hash = @hash;

-- name: RemoveOldSessions :execrows
-- Index: console_sessions_expires.
DELETE FROM console_sessions WHERE hash IN (
    SELECT o.hash FROM console_sessions o WHERE o.expires_at <= @now ORDER BY o.expires_at LIMIT @n::int FOR UPDATE SKIP LOCKED);
