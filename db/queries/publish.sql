-- name: InsertEventsWithOptions :exec
-- InsertEvents for the few that were published with options. An event's own
-- endpoints come as the text of an array, '' for none: arrays of arrays of several
-- lengths there are not.
INSERT INTO events (id, workspace_id, external_id, type, created_at, body, deliveries, endpoint_ids, deliver_at, ordering_key, trace)
SELECT u.id, u.workspace_id, NULLIF(u.external_id, ''), u.type, u.created_at, u.body, u.deliveries,
       NULLIF(u.endpoint_ids, '')::uuid[], u.deliver_at, NULLIF(u.ordering_key, ''), u.trace
FROM (SELECT unnest((SELECT @ids::uuid[])) AS id, unnest((SELECT @workspace_ids::text[])) AS workspace_id,
             unnest((SELECT @external_ids::text[])) AS external_id, unnest((SELECT @types::text[])) AS type,
             unnest((SELECT @created_ats::timestamptz[])) AS created_at, unnest((SELECT @bodies::bytea[])) AS body,
             unnest((SELECT @deliveries::int[])) AS deliveries, unnest((SELECT @endpoint_ids::text[])) AS endpoint_ids,
             unnest((SELECT @deliver_ats::timestamptz[])) AS deliver_at, unnest((SELECT @ordering_keys::text[])) AS ordering_key,
             unnest((SELECT @traces::bytea[])) AS trace) u;

-- name: InsertDelayedDeliveries :exec
-- InsertDeliveries for events with a deliver_at: they are due then, by this
-- server's clock, whatever their publisher's API process took for the time.
INSERT INTO deliveries (id, workspace_id, event_id, endpoint_id, event_type, task, bulk, next_attempt_at, deliver_at)
SELECT u.id, u.workspace_id, u.event_id, u.endpoint_id, u.event_type, NULLIF(u.task, ''), u.bulk,
       greatest(now(), u.deliver_at), u.deliver_at
FROM (SELECT unnest((SELECT @ids::uuid[])) AS id, unnest((SELECT @workspace_ids::text[])) AS workspace_id,
             unnest((SELECT @event_ids::uuid[])) AS event_id, unnest((SELECT @endpoint_ids::uuid[])) AS endpoint_id,
             unnest((SELECT @event_types::text[])) AS event_type, unnest((SELECT @tasks::text[])) AS task,
             unnest((SELECT @bulks::bool[])) AS bulk, unnest((SELECT @deliver_ats::timestamptz[])) AS deliver_at) u;

-- name: SettledEvents :many
-- Which of these events have no delivery any more whose first attempt is to be
-- waited for: each one has ended, was tried, or is held by something that lasts.
-- lo and hi are the bounds of their day; an event's deliveries share its
-- millisecond, from first to next. The subquery counts, and its conditions on the
-- state stand in a CASE, so that each is a look-up by key. A replay's deliveries
-- are not waited for. Index: day deliveries_pkey.
SELECT u.event_id::uuid AS event_id
FROM (SELECT unnest((SELECT @workspace_ids::text[])) AS workspace_id, unnest((SELECT @event_ids::uuid[])) AS event_id,
             unnest((SELECT @firsts::uuid[])) AS first, unnest((SELECT @nexts::uuid[])) AS next) u
WHERE (SELECT count(*) FROM deliveries d
       WHERE d.workspace_id = u.workspace_id AND d.id >= u.first AND d.id < u.next AND d.id >= @lo::uuid AND d.id < @hi::uuid
         AND d.event_id = u.event_id AND d.replay_id IS NULL
         AND CASE WHEN d.status = 'pending' AND d.attempts = 0
                  THEN NOT d.parked OR d.held_reason = ANY(@passing_holds::text[]) END) = 0;

-- name: OutcomesOfEvent :many
-- An event's first deliveries with what their last attempts met, without what was
-- answered. lo and hi are the event's millisecond. Index: day deliveries_pkey,
-- endpoints_pkey, endpoint_health_pkey, day attempts_pkey.
SELECT d.id, d.event_id, d.endpoint_id, d.event_type, d.status, d.attempts, d.next_attempt_at, d.parked,
       d.held_reason, d.held_until, d.completed_at, d.reason, e.is_active, (e.deleted_at IS NOT NULL)::bool AS deleted,
       (CASE WHEN h.open_until IS NOT NULL THEN greatest(h.open_until, now()) END)::timestamptz AS open_until, p.next_check_at,
       d.replay_id, a.status_code, a.error, a.error_class
FROM deliveries d JOIN endpoints e ON e.id = d.endpoint_id
LEFT JOIN endpoint_health h ON h.endpoint_id = d.endpoint_id AND h.probe_id IS DISTINCT FROM d.id
LEFT JOIN parked_endpoints p ON p.endpoint_id = d.endpoint_id AND p.next_check_at > now() AND d.parked
LEFT JOIN LATERAL (
    SELECT t.status_code, t.error, t.error_class FROM attempts t
    WHERE t.workspace_id = @workspace_id AND t.delivery_id = d.id AND t.delivery_id >= @lo::uuid AND t.delivery_id < @hi::uuid
    ORDER BY t.id DESC LIMIT 1
) a ON true
WHERE d.workspace_id = @workspace_id AND d.id >= @lo::uuid AND d.id < @hi::uuid AND d.event_id = @event_id AND d.replay_id IS NULL
ORDER BY d.id LIMIT @n::int;
