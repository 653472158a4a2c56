-- name: NextEndpointsVersion :one
-- First in every change of an endpoint: the row lock orders the commits, and
-- whoever reads the version before matching knows whether its copy is stale.
-- Index: workspaces_pkey.
UPDATE workspaces SET endpoints_version = endpoints_version + 1
WHERE id = @id AND deleted_at IS NULL
RETURNING endpoints_version;

-- name: InsertEndpoint :one
INSERT INTO endpoints (id, workspace_id, url, events, filters, description, is_active, disabled_at, disabled_reason,
                       secret, headers, timeout_s, retry_schedule, rate_limit, max_in_flight, metadata, version, format)
VALUES (@id, @workspace_id, @url, @events, @filters, @description, @is_active,
        CASE WHEN @is_active::bool THEN NULL ELSE now() END, @disabled_reason,
        @secret, @headers, @timeout_s, @retry_schedule, @rate_limit, @max_in_flight, @metadata, @version, @format)
RETURNING disabled_at, updated_at;

-- name: EndpointByID :one
-- Index: endpoints_pkey.
SELECT id, workspace_id, url, events, filters, description, is_active, disabled_at, disabled_reason, secret, headers,
       timeout_s, retry_schedule, rate_limit, max_in_flight, metadata, version, updated_at, deleted_at,
       next_secret, next_secret_at, format
FROM endpoints WHERE id = @id AND workspace_id = @workspace_id AND deleted_at IS NULL;

-- name: EndpointsWorkspace :one
-- Index: endpoints_pkey.
SELECT workspace_id FROM endpoints WHERE id = @id AND deleted_at IS NULL;

-- name: ListEndpoints :many
-- All of them, or some. Index: endpoints_workspace (endpoints_pkey for some).
SELECT id, workspace_id, url, events, filters, description, is_active, disabled_at, disabled_reason, secret, headers,
       timeout_s, retry_schedule, rate_limit, max_in_flight, metadata, version, updated_at, deleted_at,
       next_secret, next_secret_at, format
FROM endpoints
WHERE workspace_id = @workspace_id AND deleted_at IS NULL AND id < @before
  AND (sqlc.narg('ids')::uuid[] IS NULL OR id = ANY(sqlc.narg('ids')::uuid[]))
ORDER BY id DESC LIMIT @row_limit::int;

-- name: WalkEndpoints :many
-- So many endpoints, newest first, and whether each is as wanted: a state, a text in
-- its URL or description. The last is where the next look goes on.
-- Index: endpoints_workspace, endpoint_health_pkey.
SELECT r.id, (CASE @state::text
           WHEN '' THEN true
           WHEN 'disabled' THEN NOT r.is_active
           ELSE r.is_active AND h.endpoint_id IS NULL END
       AND strpos(lower(r.url || ' ' || r.description), lower(@search::text)) > 0)::bool AS matches
FROM (SELECT e.id, e.url, e.description, e.is_active FROM endpoints e
      WHERE e.workspace_id = @workspace_id AND e.deleted_at IS NULL AND e.id < @before
      ORDER BY e.id DESC LIMIT @most::int) r
LEFT JOIN endpoint_health h ON h.endpoint_id = r.id
ORDER BY r.id DESC;

-- name: WalkUnhealthy :many
-- The same of those that fail, whose breaker is open or not.
-- Index: endpoint_health_workspace, endpoints_pkey.
SELECT r.id, (coalesce(e.is_active, false) AND r.open = (@state::text = 'breaker_open')
       AND strpos(lower(e.url || ' ' || e.description), lower(@search::text)) > 0)::bool AS matches
FROM (SELECT h.endpoint_id AS id, h.open_until IS NOT NULL AS open FROM endpoint_health h
      WHERE h.workspace_id = @workspace_id AND h.endpoint_id < @before
      ORDER BY h.endpoint_id DESC LIMIT @most::int) r
LEFT JOIN endpoints e ON e.id = r.id AND e.deleted_at IS NULL
ORDER BY r.id DESC;

-- name: UpdateEndpoint :one
-- An endpoint that was inactive before keeps since when and why. Index: endpoints_pkey.
UPDATE endpoints
SET url = @url, events = @events, filters = @filters, description = @description, is_active = @is_active,
    disabled_at = CASE WHEN @is_active::bool THEN NULL ELSE coalesce(disabled_at, now()) END,
    disabled_reason = CASE WHEN @is_active::bool THEN NULL ELSE coalesce(disabled_reason, @disabled_reason) END,
    secret = @secret, headers = @headers, timeout_s = @timeout_s, retry_schedule = @retry_schedule, rate_limit = @rate_limit,
    max_in_flight = @max_in_flight, metadata = @metadata, version = @version, updated_at = now(),
    next_secret = @next_secret, next_secret_at = @next_secret_at, format = @format
WHERE id = @id AND workspace_id = @workspace_id AND deleted_at IS NULL
RETURNING disabled_at, disabled_reason, updated_at;

-- name: DeleteEndpoint :execrows
-- Index: endpoints_pkey.
UPDATE endpoints SET deleted_at = now(), updated_at = now(), secret = NULL, headers = NULL, version = @version,
    next_secret = NULL, next_secret_at = NULL
WHERE id = @id AND workspace_id = @workspace_id AND deleted_at IS NULL;

-- name: PromoteSecret :execrows
-- The version says that nothing was changed since the secret was used, another
-- rotation least of all. Index: endpoints_pkey.
UPDATE endpoints SET secret = next_secret, next_secret = NULL, next_secret_at = NULL, updated_at = now(), version = @version
WHERE id = @id AND workspace_id = @workspace_id AND version = @seen AND next_secret IS NOT NULL AND deleted_at IS NULL;

-- name: RecentPending :many
-- What is pending of an endpoint's newest deliveries: bounded, however many it
-- has. Index: deliveries_endpoint of every day, newest first.
SELECT r.workspace_id, r.id
FROM (SELECT workspace_id, id, status FROM deliveries WHERE endpoint_id = @endpoint_id ORDER BY id DESC LIMIT 2000) r
WHERE r.status = 'pending';

-- name: CheckParked :exec
-- What is parked for these endpoints is looked at now and let go with a ramp.
-- Index: parked_endpoints_pkey.
UPDATE parked_endpoints SET next_check_at = now(), release_count = 1 WHERE endpoint_id = ANY(@endpoint_ids::uuid[]);

-- name: EndpointStates :many
-- What decides whether an event goes to an endpoint, and what holds it up: a
-- breaker also once its pause is over, for only its probe goes then.
-- Index: endpoints_workspace (endpoints_pkey for some), endpoint_health_pkey, parked_endpoints_pkey.
SELECT e.id, e.events, e.filters, e.is_active, e.disabled_at, e.disabled_reason, e.updated_at,
       (CASE WHEN h.open_until IS NOT NULL THEN greatest(h.open_until, now()) END)::timestamptz AS open_until, p.reason AS parked_reason, p.next_check_at,
       coalesce(h.failures, 0)::int AS failures, h.failing_since
FROM endpoints e
LEFT JOIN endpoint_health h ON h.endpoint_id = e.id
LEFT JOIN parked_endpoints p ON p.endpoint_id = e.id AND p.next_check_at > now()
WHERE e.workspace_id = @workspace_id AND e.deleted_at IS NULL AND e.id < @before
  AND (sqlc.narg('endpoint_ids')::uuid[] IS NULL OR e.id = ANY(sqlc.narg('endpoint_ids')::uuid[]))
ORDER BY e.id DESC LIMIT @row_limit::int;
