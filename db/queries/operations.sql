-- name: AnnounceFailing :exec
-- The Announce statements stand beside the one that makes the change, in its
-- transaction, and are sent only while there is a workspace to tell.
--
-- After CountFailures: the breakers that this very transaction opened. Only then
-- is open_until as far ahead of the transaction's time and no probe has failed.
-- Index: endpoint_health_pkey, endpoints_pkey.
INSERT INTO operational_events (id, kind, workspace_id, endpoint_id, detail)
SELECT u.id, 'endpoint.failing', h.workspace_id, h.endpoint_id,
       jsonb_build_object('reason', 'breaker_open', 'failures', h.failures, 'failing_since', h.failing_since,
                          'status_code', u.status_code, 'error_class', u.error_class)
FROM (SELECT unnest((SELECT @ids::uuid[])) AS id, unnest((SELECT @endpoint_ids::uuid[])) AS endpoint_id,
             unnest((SELECT @status_codes::int[])) AS status_code, unnest((SELECT @error_classes::text[])) AS error_class) u
JOIN endpoint_health h ON h.endpoint_id = u.endpoint_id
JOIN endpoints e ON e.id = h.endpoint_id AND e.deleted_at IS NULL
WHERE h.opens = 0 AND h.open_until = now() + interval '30 seconds';

-- name: AnnounceRecovered :exec
-- Before ForgetFailures, which deletes these rows: who waits for the lock finds
-- none any more. Index: endpoint_health_pkey.
WITH was AS (
    SELECT endpoint_id, workspace_id, failures, failing_since FROM endpoint_health
    WHERE endpoint_id = ANY(@endpoint_ids::uuid[]) AND open_until IS NOT NULL
    ORDER BY endpoint_id FOR UPDATE
)
INSERT INTO operational_events (id, kind, workspace_id, endpoint_id, detail)
SELECT u.id, 'endpoint.recovered', was.workspace_id, was.endpoint_id,
       jsonb_build_object('failures', was.failures, 'failing_since', was.failing_since)
FROM was
JOIN (SELECT unnest((SELECT @ids::uuid[])) AS id, unnest((SELECT @endpoint_ids::uuid[])) AS endpoint_id) u USING (endpoint_id);

-- name: AnnounceDisabled :exec
-- Before DisableEndpoints, on the same conditions: who waits for the lock finds
-- the endpoint inactive, or at a newer version.
-- Index: endpoints_pkey, endpoint_health_pkey.
WITH active AS (
    SELECT u.id, e.workspace_id, u.endpoint_id, u.delivery_id, u.event_id, u.status_code, u.error_class
    FROM (SELECT unnest((SELECT @ids::uuid[])) AS id, unnest((SELECT @endpoint_ids::uuid[])) AS endpoint_id,
                 unnest((SELECT @versions::bigint[])) AS version,
                 unnest((SELECT @delivery_ids::uuid[])) AS delivery_id, unnest((SELECT @event_ids::uuid[])) AS event_id,
                 unnest((SELECT @status_codes::int[])) AS status_code, unnest((SELECT @error_classes::text[])) AS error_class) u
    JOIN endpoints e ON e.id = u.endpoint_id
    WHERE e.version <= u.version AND e.is_active AND e.deleted_at IS NULL
    ORDER BY e.id FOR UPDATE OF e
)
INSERT INTO operational_events (id, kind, workspace_id, endpoint_id, delivery_id, event_id, detail)
SELECT a.id, 'endpoint.disabled', a.workspace_id, a.endpoint_id, a.delivery_id, a.event_id,
       jsonb_build_object('reason', @reason::text, 'failures', coalesce(h.failures, 0), 'failing_since', h.failing_since,
                          'status_code', a.status_code, 'error_class', a.error_class)
FROM active a
LEFT JOIN endpoint_health h ON h.endpoint_id = a.endpoint_id;

-- name: AnnounceExhausted :exec
-- After RecordFailures: those that this very transaction failed, and not those
-- whose fence did not hold. Of those that a 410 failed, after AnnounceDisabled and
-- with its ids: the delivery that one of them names is told of already.
-- Index: day deliveries_pkey, operational_events_pkey.
INSERT INTO operational_events (id, kind, workspace_id, endpoint_id, delivery_id, event_id, detail)
SELECT u.id, 'delivery.exhausted', d.workspace_id, d.endpoint_id, d.id, d.event_id,
       jsonb_build_object('reason', @reason::text, 'attempts', d.attempts,
                          'status_code', u.status_code, 'error_class', u.error_class)
FROM (SELECT unnest((SELECT @ids::uuid[])) AS id, unnest((SELECT @workspace_ids::text[])) AS workspace_id,
             unnest((SELECT @delivery_ids::uuid[])) AS delivery_id,
             unnest((SELECT @status_codes::int[])) AS status_code, unnest((SELECT @error_classes::text[])) AS error_class) u
JOIN deliveries d ON d.workspace_id = u.workspace_id AND d.id = u.delivery_id
WHERE d.id >= @lo::uuid AND d.id < @hi::uuid
  AND CASE WHEN d.status = 'failed' THEN d.completed_at = now() END
  AND NOT EXISTS (SELECT FROM operational_events o WHERE o.id = ANY(@disabled_ids::uuid[]) AND o.delivery_id = d.id);

-- name: AnnounceEndpoints :exec
INSERT INTO operational_events (id, kind, workspace_id, endpoint_id, detail)
SELECT unnest((SELECT @ids::uuid[])), @kind::text, unnest((SELECT @workspace_ids::text[])),
       unnest((SELECT @endpoint_ids::uuid[])), unnest((SELECT @details::jsonb[]));

-- name: AnnounceExpired :exec
-- Counts a page of a day into the row of its endpoint. The id is new each time:
-- a row that was published under its old one, by a scheduler that was killed
-- before it could delete it, would lose what is added. Sorted by the caller.
-- Index: operational_events_expired.
INSERT INTO operational_events AS o (id, kind, workspace_id, endpoint_id, deliveries, day, detail)
SELECT unnest((SELECT @ids::uuid[])), 'delivery.expired', unnest((SELECT @workspace_ids::text[])),
       unnest((SELECT @endpoint_ids::uuid[])), unnest((SELECT @deliveries::int[])), @day::date, '{"reason": "expired"}'
ON CONFLICT (endpoint_id, day) WHERE kind = 'delivery.expired' DO UPDATE
SET id = excluded.id, deliveries = o.deliveries + excluded.deliveries, occurred_at = excluded.occurred_at;

-- name: TakeOperationalEvents :many
-- What another scheduler has in hand is passed over. A day's expired deliveries
-- wait until their counting is over. Index: operational_events_pkey, endpoints_pkey.
SELECT o.id, o.kind, o.workspace_id, o.endpoint_id, o.delivery_id, o.event_id, coalesce(o.deliveries, 0)::int AS deliveries,
       o.day, o.detail, o.occurred_at, coalesce(e.url, '')::text AS url
FROM operational_events o LEFT JOIN endpoints e ON e.id = o.endpoint_id
WHERE o.kind <> 'delivery.expired' OR o.occurred_at <= now() - interval '1 minute'
ORDER BY o.id LIMIT @n::int FOR UPDATE OF o SKIP LOCKED;

-- name: EventNames :many
-- What clients know these events by. Index: day events_pkey.
SELECT e.id, coalesce(e.external_id, '')::text AS external_id, e.type
FROM (SELECT unnest((SELECT @workspace_ids::text[])) AS workspace_id, unnest((SELECT @ids::uuid[])) AS id) u
JOIN events e ON e.workspace_id = u.workspace_id AND e.id = u.id
WHERE e.id >= @lo::uuid AND e.id < @hi::uuid;

-- name: ForgetOperationalEvents :exec
-- Index: operational_events_pkey.
DELETE FROM operational_events WHERE id = ANY(@ids::uuid[]);

-- name: DropOperationalEvents :execrows
-- A page of those from before an id, and of those beyond the newest keep.
-- Index: operational_events_pkey.
DELETE FROM operational_events WHERE id IN (
    SELECT o.id FROM operational_events o
    WHERE o.id <= greatest(@before::uuid, (SELECT n.id FROM operational_events n ORDER BY n.id DESC OFFSET @keep::int LIMIT 1))
    ORDER BY o.id LIMIT @n::int FOR UPDATE SKIP LOCKED);
