-- Scalar subqueries on purpose: each is a look-up in the row's own day. As EXISTS
-- they might become joins, which read all of the endpoint's deliveries for each
-- page. A delivery's first 48 bits, 13 characters, are its event's millisecond.

-- name: InsertReplay :one
INSERT INTO replays (id, workspace_id, endpoint_id, event_id, first_id, end_id, statuses, types, status, total, done, position, finished_at, delivery_ids)
VALUES (@id, @workspace_id, @endpoint_id, @event_id, @first_id, @end_id, @statuses, @types, @status, @total, @done, @position,
        CASE WHEN @status::text = 'running' THEN NULL ELSE now() END, sqlc.narg('delivery_ids')::uuid[])
RETURNING finished_at;

-- name: ReplayByID :one
-- Index: replays_pkey.
SELECT id, workspace_id, endpoint_id, event_id, first_id, end_id, statuses, types, status, total, done, position, finished_at, delivery_ids
FROM replays WHERE id = @id AND workspace_id = @workspace_id;

-- name: ListReplays :many
-- Index: replays_workspace.
SELECT id, workspace_id, endpoint_id, event_id, first_id, end_id, statuses, types, status, total, done, position, finished_at, delivery_ids
FROM replays WHERE workspace_id = @workspace_id AND id < @before
ORDER BY id DESC LIMIT @row_limit::int;

-- name: CancelReplay :execrows
-- Index: replays_pkey.
UPDATE replays SET status = 'canceled', finished_at = now()
WHERE id = @id AND workspace_id = @workspace_id AND status = 'running';

-- name: RunningReplays :many
-- Index: replays_running.
SELECT id FROM replays WHERE status = 'running' ORDER BY id LIMIT @n::int;

-- name: LockReplay :one
-- One that another scheduler works on is skipped. Index: replays_pkey.
SELECT id, workspace_id, endpoint_id, event_id, first_id, end_id, statuses, types, status, total, done, position, finished_at, delivery_ids
FROM replays WHERE id = @id AND status = 'running' FOR UPDATE SKIP LOCKED;

-- name: MoveReplay :exec
-- Index: replays_pkey.
UPDATE replays SET done = done + @made::bigint, position = @position,
    total = greatest(total, done + @made::bigint),
    status = CASE WHEN @finished::bool THEN 'done' ELSE status END,
    finished_at = CASE WHEN @finished::bool THEN now() END
WHERE id = @id;

-- name: StopReplay :exec
-- The endpoint is gone. Index: replays_pkey.
UPDATE replays SET status = 'canceled', finished_at = now() WHERE id = @id AND status = 'running';

-- name: ReplayableDeliveries :many
-- A page of an endpoint's deliveries to make again: the last of their event, with
-- its bytes still kept, and none that this replay made, which lie ahead and may have
-- failed by now. Index: deliveries_endpoint of the days between the
-- bounds; deliveries_endpoint and events_pkey of the row's own day.
SELECT d.id, d.event_id, d.event_type FROM deliveries d
WHERE d.endpoint_id = @endpoint_id AND d.id > @after AND d.id < @until
  AND d.status = ANY(@statuses::text[]) AND (cardinality(@types::text[]) = 0 OR d.event_type = ANY(@types::text[]))
  AND d.replay_id IS DISTINCT FROM @replay_id::uuid
  AND (SELECT n.replay_id FROM deliveries n
       WHERE n.endpoint_id = d.endpoint_id AND n.event_id = d.event_id
         AND n.id >= (left(d.id::text, 13) || '-0000-0000-000000000000')::uuid
         AND n.id <= (left(d.id::text, 13) || '-ffff-ffff-ffffffffffff')::uuid
       ORDER BY n.replay_id DESC NULLS LAST LIMIT 1) IS NOT DISTINCT FROM d.replay_id
  AND (SELECT e.body IS NOT NULL FROM events e WHERE e.workspace_id = d.workspace_id AND e.id = d.event_id)
ORDER BY d.id LIMIT @n::int;

-- name: CountReplayable :one
-- As ReplayableDeliveries, and by the same indexes.
SELECT count(*) FROM deliveries d
WHERE d.endpoint_id = @endpoint_id AND d.id > @after AND d.id < @until
  AND d.status = ANY(@statuses::text[]) AND (cardinality(@types::text[]) = 0 OR d.event_type = ANY(@types::text[]))
  AND (SELECT n.replay_id FROM deliveries n
       WHERE n.endpoint_id = d.endpoint_id AND n.event_id = d.event_id
         AND n.id >= (left(d.id::text, 13) || '-0000-0000-000000000000')::uuid
         AND n.id <= (left(d.id::text, 13) || '-ffff-ffff-ffffffffffff')::uuid
       ORDER BY n.replay_id DESC NULLS LAST LIMIT 1) IS NOT DISTINCT FROM d.replay_id
  AND (SELECT e.body IS NOT NULL FROM events e WHERE e.workspace_id = d.workspace_id AND e.id = d.event_id);

-- name: ChosenDeliveries :many
-- Of some deliveries those that exist, and whether they can be made again: what is over,
-- has a receiver and still has its bytes. Index: deliveries_pkey of the days between lo
-- and hi; endpoints_pkey; events_pkey of the row's own day.
SELECT d.id, d.event_id, d.endpoint_id, d.event_type,
       (d.status <> 'pending'
        AND coalesce((SELECT p.deleted_at IS NULL FROM endpoints p WHERE p.id = d.endpoint_id), false)
        AND coalesce((SELECT e.body IS NOT NULL FROM events e WHERE e.workspace_id = d.workspace_id AND e.id = d.event_id), false))::bool AS again
FROM (SELECT unnest((SELECT @ids::uuid[])) AS id) u
CROSS JOIN LATERAL (
    SELECT t.id, t.workspace_id, t.event_id, t.endpoint_id, t.event_type, t.status FROM deliveries t
    WHERE t.workspace_id = @workspace_id AND t.id = u.id AND t.id >= @lo::uuid AND t.id <= @hi::uuid
) d
ORDER BY d.id;

-- name: MissingEvents :many
-- A page of a workspace's events that made no delivery to the endpoint, without
-- those that were for others alone. Index:
-- events_pkey of the days between the bounds; deliveries_endpoint of the row's day.
SELECT e.id, e.type, e.body FROM events e
WHERE e.workspace_id = @workspace_id AND e.id > @after AND e.id < @until AND e.body IS NOT NULL
  AND (cardinality(@types::text[]) = 0 OR e.type = ANY(@types::text[]))
  AND (e.endpoint_ids IS NULL OR @endpoint_id::uuid = ANY(e.endpoint_ids))
  AND (SELECT count(*) FROM deliveries n
       WHERE n.endpoint_id = @endpoint_id AND n.event_id = e.id
         AND n.id >= (left(e.id::text, 13) || '-0000-0000-000000000000')::uuid
         AND n.id <= (left(e.id::text, 13) || '-ffff-ffff-ffffffffffff')::uuid) = 0
ORDER BY e.id LIMIT @n::int;

-- name: InsertReplayed :exec
-- They go by the bulk lane, so that they delay nothing live.
INSERT INTO deliveries (id, workspace_id, event_id, endpoint_id, event_type, bulk, replay_id, next_attempt_at)
SELECT u.id, @workspace_id, u.event_id, u.endpoint_id, u.event_type, true, @replay_id, now()
FROM (SELECT unnest((SELECT @ids::uuid[])) AS id, unnest((SELECT @event_ids::uuid[])) AS event_id,
             unnest((SELECT @endpoint_ids::uuid[])) AS endpoint_id, unnest((SELECT @event_types::text[])) AS event_type) u;

-- name: EndpointsOf :many
-- Those that exist of the ids given. Index: endpoints_pkey.
SELECT id FROM endpoints WHERE workspace_id = @workspace_id AND id = ANY(@ids::uuid[]) AND deleted_at IS NULL ORDER BY id;

-- name: RemoveOldReplays :execrows
-- What ended and is older than what it made. Index: replays_pkey.
DELETE FROM replays WHERE id < @before AND status <> 'running';

-- name: SubscriptionOf :one
-- Index: endpoints_pkey.
SELECT events, filters FROM endpoints WHERE id = @id AND workspace_id = @workspace_id AND deleted_at IS NULL;
