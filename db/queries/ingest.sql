-- name: EndpointVersions :many
-- Deleted ones, too: without a condition on it no plan that is kept goes through all of
-- workspaces_newest. Index: workspaces_pkey.
SELECT id, endpoints_version, types_version, clock_timestamp()::timestamptz AS at, (deleted_at IS NOT NULL)::bool AS deleted
FROM workspaces WHERE id = ANY(@ids::text[]);

-- name: AcceptInTime :exec
-- Fails for ids that were made too long ago for whoever reads in their order.
SELECT accept_in_time(@made_at);

-- name: AcceptInTimePlanOnce :exec
-- AcceptInTime and PlanOnce in one: for statements that name their day's own tables.
SELECT accept_in_time(@made_at), set_config('plan_cache_mode', 'force_generic_plan', true);

-- name: SubscriptionsOf :many
-- Index: endpoints_workspace.
SELECT id, workspace_id, events, filters FROM endpoints
WHERE workspace_id = ANY(@workspace_ids::text[]) AND is_active AND deleted_at IS NULL
ORDER BY workspace_id, id;

-- name: InsertEvents :exec
INSERT INTO events (id, workspace_id, external_id, type, created_at, body, deliveries)
SELECT u.id, u.workspace_id, NULLIF(u.external_id, ''), u.type, u.created_at, u.body, u.deliveries
FROM (SELECT unnest((SELECT @ids::uuid[])) AS id, unnest((SELECT @workspace_ids::text[])) AS workspace_id,
             unnest((SELECT @external_ids::text[])) AS external_id, unnest((SELECT @types::text[])) AS type,
             unnest((SELECT @created_ats::timestamptz[])) AS created_at, unnest((SELECT @bodies::bytea[])) AS body,
             unnest((SELECT @deliveries::int[])) AS deliveries) u;

-- name: InsertDeliveries :exec
-- A row without a task is feed at once; one with a task is audit.
INSERT INTO deliveries (id, workspace_id, event_id, endpoint_id, event_type, task, bulk, next_attempt_at)
SELECT u.id, u.workspace_id, u.event_id, u.endpoint_id, u.event_type, NULLIF(u.task, ''), u.bulk, now()
FROM (SELECT unnest((SELECT @ids::uuid[])) AS id, unnest((SELECT @workspace_ids::text[])) AS workspace_id,
             unnest((SELECT @event_ids::uuid[])) AS event_id, unnest((SELECT @endpoint_ids::uuid[])) AS endpoint_id,
             unnest((SELECT @event_types::text[])) AS event_type, unnest((SELECT @tasks::text[])) AS task,
             unnest((SELECT @bulks::bool[])) AS bulk) u;

-- name: ClaimEventIDs :execrows
-- Waits for another transaction that is inserting the same id. Sorted by the
-- caller, so that two groups never wait for each other.
INSERT INTO event_ids (workspace_id, id, event_id)
SELECT unnest((SELECT @workspace_ids::text[])), unnest((SELECT @ids::text[])), unnest((SELECT @event_ids::uuid[]))
ON CONFLICT DO NOTHING;

-- name: InsertEventIDs :exec
-- Ids that nobody has, or the whole transaction fails. Sorted by the caller, too.
INSERT INTO event_ids (workspace_id, id, event_id)
SELECT unnest((SELECT @workspace_ids::text[])), unnest((SELECT @ids::text[])), unnest((SELECT @event_ids::uuid[]));

-- name: EventIDOwners :many
-- Index: event_ids_pkey. A statement of its own after ClaimEventIDs: its
-- snapshot sees what the conflict waited for.
SELECT e.workspace_id, e.id, e.event_id
FROM (SELECT unnest((SELECT @workspace_ids::text[])) AS workspace_id, unnest((SELECT @ids::text[])) AS id) u
JOIN event_ids e ON e.workspace_id = u.workspace_id AND e.id = u.id;

-- name: AcceptedEvent :one
-- Index: day events_pkey.
SELECT id, coalesce(external_id, '')::text AS external_id, type, created_at, deliveries
FROM events WHERE workspace_id = @workspace_id AND id = @id;

-- name: ClearTasks :exec
-- Gives back to feed what could not be put into Redis. Index: day deliveries_pkey.
UPDATE deliveries d SET task = NULL
FROM (SELECT unnest((SELECT @workspace_ids::text[])) AS workspace_id, unnest((SELECT @ids::uuid[])) AS id,
             unnest((SELECT @tasks::text[])) AS task) u
WHERE d.workspace_id = u.workspace_id AND d.id = u.id AND d.id >= @lo::uuid AND d.id < @hi::uuid
  AND CASE WHEN d.status = 'pending' THEN d.task = u.task END;

-- name: KnownEventIDs :many
-- Which of these ids of callers' own are taken. Index: event_ids_pkey.
SELECT id FROM event_ids WHERE workspace_id = @workspace_id AND id = ANY(@ids::text[]);
