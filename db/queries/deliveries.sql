-- name: DeliveryByID :one
-- Once a breaker's pause is over it still holds all but its probe: open_until is not
-- before now, and NULL of the probe.
-- Index: day deliveries_pkey, endpoints_pkey.
SELECT d.id, d.event_id, d.endpoint_id, d.event_type, d.status, d.attempts, d.next_attempt_at, d.parked,
       d.held_reason, d.held_until, d.completed_at, d.reason, e.is_active, (e.deleted_at IS NOT NULL)::bool AS deleted,
       (CASE WHEN h.open_until IS NOT NULL THEN greatest(h.open_until, now()) END)::timestamptz AS open_until, p.next_check_at,
       d.replay_id, d.ordering_key, d.schedule_start
FROM deliveries d JOIN endpoints e ON e.id = d.endpoint_id
LEFT JOIN endpoint_health h ON h.endpoint_id = d.endpoint_id AND h.probe_id IS DISTINCT FROM d.id
LEFT JOIN parked_endpoints p ON p.endpoint_id = d.endpoint_id AND p.next_check_at > now() AND d.parked
WHERE d.workspace_id = @workspace_id AND d.id = @id;

-- name: ListDeliveries :many
-- What holds as in DeliveryByID. Index: deliveries_pkey of each day newest first, or
-- deliveries_endpoint, or deliveries_unsuccessful; a list of one event is bounded to
-- its millisecond. What none of these is of was looked for beforehand, and comes as
-- ids.
SELECT d.id, d.event_id, d.endpoint_id, d.event_type, d.status, d.attempts, d.next_attempt_at, d.parked,
       d.held_reason, d.held_until, d.completed_at, d.reason, e.is_active, (e.deleted_at IS NOT NULL)::bool AS deleted,
       (CASE WHEN h.open_until IS NOT NULL THEN greatest(h.open_until, now()) END)::timestamptz AS open_until, p.next_check_at,
       d.replay_id, d.ordering_key, d.schedule_start
FROM deliveries d JOIN endpoints e ON e.id = d.endpoint_id
LEFT JOIN endpoint_health h ON h.endpoint_id = d.endpoint_id AND h.probe_id IS DISTINCT FROM d.id
LEFT JOIN parked_endpoints p ON p.endpoint_id = d.endpoint_id AND p.next_check_at > now() AND d.parked
WHERE d.workspace_id = @workspace_id AND d.id >= @lo::uuid AND d.id < @hi::uuid
  AND (sqlc.narg('status')::text IS NULL OR d.status = sqlc.narg('status')::text)
  AND (sqlc.narg('type')::text IS NULL OR d.event_type = sqlc.narg('type')::text)
  AND (sqlc.narg('endpoint_id')::uuid IS NULL OR d.endpoint_id = sqlc.narg('endpoint_id')::uuid)
  AND (sqlc.narg('event_id')::uuid IS NULL OR d.event_id = sqlc.narg('event_id')::uuid)
  AND (sqlc.narg('ids')::uuid[] IS NULL OR d.id = ANY(sqlc.narg('ids')::uuid[]))
ORDER BY d.id DESC LIMIT @row_limit::int;

-- name: WalkDeliveries :many
-- Looks at so many rows at the most, newest first, and returns those that match, and
-- the last one it looked at: from there the walk goes on. The same indexes as
-- ListDeliveries, by what bounds it.
SELECT x.id, x.matches, (x.place = @most::int)::bool AS last
FROM (
    SELECT w.id, row_number() OVER (ORDER BY w.id DESC) AS place,
           ((sqlc.narg('status')::text IS NULL OR w.status = sqlc.narg('status')::text)
            AND (sqlc.narg('type')::text IS NULL OR w.event_type = sqlc.narg('type')::text)
            AND (sqlc.narg('endpoint_id')::uuid IS NULL OR w.endpoint_id = sqlc.narg('endpoint_id')::uuid)
            AND (sqlc.narg('event_id')::uuid IS NULL OR w.event_id = sqlc.narg('event_id')::uuid))::bool AS matches
    FROM (
        SELECT d.id, d.status, d.event_type, d.endpoint_id, d.event_id FROM deliveries d
        WHERE d.workspace_id = @workspace_id AND d.id >= @lo::uuid AND d.id < @hi::uuid
          AND (sqlc.narg('by_status')::text IS NULL OR d.status = sqlc.narg('by_status')::text)
          AND (sqlc.narg('by_endpoint')::uuid IS NULL OR d.endpoint_id = sqlc.narg('by_endpoint')::uuid)
        ORDER BY d.id DESC LIMIT @most::int
    ) w
) x
WHERE x.matches OR x.place = @most::int
ORDER BY x.id DESC LIMIT @row_limit::int;

-- name: FewPending :many
-- Those of the pending that match, newest first, and how many there are of all
-- workspaces: it has all of them where that is less than most. Index: deliveries_feed,
-- deliveries_audit and deliveries_parked of the days between the bounds.
WITH fed AS (
    SELECT d.id, d.workspace_id, d.event_type, d.endpoint_id FROM deliveries d
    WHERE d.status = 'pending' AND d.task IS NULL AND NOT d.parked AND d.id >= @lo::uuid AND d.id < @hi::uuid
    ORDER BY d.next_attempt_at LIMIT @most::int
), tasked AS (
    SELECT d.id, d.workspace_id, d.event_type, d.endpoint_id FROM deliveries d
    WHERE d.status = 'pending' AND d.task IS NOT NULL AND d.id >= @lo::uuid AND d.id < @hi::uuid
    ORDER BY d.next_attempt_at LIMIT @most::int
), parked AS (
    SELECT d.id, d.workspace_id, d.event_type, d.endpoint_id FROM deliveries d
    WHERE d.status = 'pending' AND d.parked AND d.id >= @lo::uuid AND d.id < @hi::uuid
    ORDER BY d.endpoint_id, d.id LIMIT @most::int
), few AS MATERIALIZED (
    SELECT id, workspace_id, event_type, endpoint_id FROM fed
    UNION ALL SELECT id, workspace_id, event_type, endpoint_id FROM tasked
    UNION ALL SELECT id, workspace_id, event_type, endpoint_id FROM parked
), wanted AS (
    SELECT few.id FROM few
    WHERE few.workspace_id = @workspace_id::text
      AND (sqlc.narg('type')::text IS NULL OR few.event_type = sqlc.narg('type')::text)
      AND (sqlc.narg('endpoint_id')::uuid IS NULL OR few.endpoint_id = sqlc.narg('endpoint_id')::uuid)
    ORDER BY few.id DESC LIMIT @row_limit::int
), counted AS (SELECT count(*) AS total FROM few)
SELECT counted.total::int AS total, wanted.id FROM counted LEFT JOIN wanted ON true
ORDER BY wanted.id DESC;

-- name: LastAttempts :many
-- Index: attempts_pkey of the days between lo and hi.
SELECT u.id::uuid AS id, a.status_code, a.error, a.error_class, a.response_body
FROM (SELECT unnest((SELECT @delivery_ids::uuid[])) AS id) u
CROSS JOIN LATERAL (
    SELECT t.status_code, t.error, t.error_class, t.response_body FROM attempts t
    WHERE t.workspace_id = @workspace_id AND t.delivery_id = u.id
      AND t.delivery_id >= @lo::uuid AND t.delivery_id <= @hi::uuid
    ORDER BY t.id DESC LIMIT 1
) a;

-- name: DeliveriesByOutcome :many
-- Of some deliveries those whose last attempt was answered with a status between the two,
-- or not at all, and failed for that reason. Index: attempts_pkey of the days between lo
-- and hi.
SELECT u.id::uuid AS id
FROM (SELECT unnest((SELECT @delivery_ids::uuid[])) AS id) u
CROSS JOIN LATERAL (
    SELECT t.status_code, t.error_class FROM attempts t
    WHERE t.workspace_id = @workspace_id AND t.delivery_id = u.id
      AND t.delivery_id >= @lo::uuid AND t.delivery_id <= @hi::uuid
    ORDER BY t.id DESC LIMIT 1
) a
WHERE (sqlc.narg('first_code')::int IS NULL OR a.status_code BETWEEN sqlc.narg('first_code')::int AND sqlc.narg('last_code')::int)
  AND (NOT @no_answer::bool OR a.status_code IS NULL)
  AND (sqlc.narg('error_class')::text IS NULL OR a.error_class = sqlc.narg('error_class')::text);

-- name: ExternalIDs :many
-- Index: events_pkey of the days between lo and hi.
SELECT id, coalesce(external_id, '')::text AS external_id FROM events
WHERE workspace_id = @workspace_id AND id = ANY(@event_ids::uuid[]) AND id >= @lo::uuid AND id <= @hi::uuid
  AND external_id IS NOT NULL;

-- name: ListAttempts :many
-- Index: day attempts_pkey.
SELECT id, number, started_at, duration_us, status_code, error, error_class,
       request_headers, response_headers, response_body, signed_with
FROM attempts
WHERE workspace_id = @workspace_id AND delivery_id = @delivery_id AND id < @before
ORDER BY id DESC LIMIT @row_limit::int;

-- name: RetryDelivery :execrows
-- Only what has ended without success, has a receiver and still has its bytes; of
-- one with an ordering key only in_turn, which is after LockTurns.
-- The event has the time of its delivery, hence the same bounds. Index: day
-- deliveries_pkey, endpoints_pkey, day events_pkey.
UPDATE deliveries d
SET status = 'pending', task = NULL, next_attempt_at = now(), schedule_start = d.attempts, completed_at = NULL,
    reason = NULL, parked = false, held_reason = NULL, held_until = NULL
WHERE d.workspace_id = @workspace_id AND d.id = @id AND d.status IN ('failed', 'canceled')
  AND (d.ordering_key IS NULL OR @in_turn::bool)
  AND EXISTS (SELECT 1 FROM endpoints e WHERE e.id = d.endpoint_id AND e.deleted_at IS NULL)
  AND EXISTS (SELECT 1 FROM events v WHERE v.workspace_id = @workspace_id AND v.id = d.event_id
              AND v.id >= @lo::uuid AND v.id < @hi::uuid AND v.body IS NOT NULL);

-- name: CancelDelivery :execrows
-- One with an ordering key only in_turn, which is after LockTurns. Index: day deliveries_pkey.
UPDATE deliveries
SET status = 'canceled', task = NULL, next_attempt_at = NULL, completed_at = now(), reason = @reason::text,
    parked = false, held_reason = NULL, held_until = NULL
WHERE workspace_id = @workspace_id AND id = @id AND status = 'pending' AND (ordering_key IS NULL OR @in_turn::bool);

-- name: DeliveriesOfEventTo :many
-- The newest delivery of one event to each of some endpoints; lo and hi are the
-- event's millisecond, which its deliveries share. Index: day deliveries_endpoint.
SELECT d.id, d.event_id, d.endpoint_id, d.event_type, d.status, d.attempts, d.next_attempt_at, d.parked,
       d.held_reason, d.held_until, d.completed_at, d.reason, e.is_active, (e.deleted_at IS NOT NULL)::bool AS deleted,
       (CASE WHEN h.open_until IS NOT NULL THEN greatest(h.open_until, now()) END)::timestamptz AS open_until, p.next_check_at,
       d.replay_id, d.ordering_key, d.schedule_start
FROM (SELECT unnest((SELECT @endpoint_ids::uuid[])) AS endpoint_id) u
CROSS JOIN LATERAL (
    SELECT t.* FROM deliveries t
    WHERE t.endpoint_id = u.endpoint_id AND t.id >= @lo::uuid AND t.id < @hi::uuid
      AND t.workspace_id = @workspace_id AND t.event_id = @event_id
    ORDER BY t.replay_id DESC NULLS LAST LIMIT 1
) d
JOIN endpoints e ON e.id = d.endpoint_id
LEFT JOIN endpoint_health h ON h.endpoint_id = d.endpoint_id AND h.probe_id IS DISTINCT FROM d.id
LEFT JOIN parked_endpoints p ON p.endpoint_id = d.endpoint_id AND p.next_check_at > now() AND d.parked;
