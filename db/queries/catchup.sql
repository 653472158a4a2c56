-- What an endpoint's catch-up feed reads, oldest first.

-- name: AcceptedUntil :one
SELECT accepted_until()::timestamptz AS until;

-- name: CatchUpEvents :many
-- A page of a workspace's events, without what a filter would need. Lengths are read
-- without reading the bodies. Index: events_pkey of the days between the bounds.
SELECT id, type, coalesce(octet_length(body), 0)::bigint AS size,
       (endpoint_ids IS NULL OR @endpoint_id::uuid = ANY(endpoint_ids))::bool AS targeted
FROM events
WHERE workspace_id = @workspace_id AND id > @after AND id < @until
ORDER BY id LIMIT @n::int;

-- name: CatchUpDeliveries :many
-- The last delivery of each of these events to the endpoint. Index:
-- deliveries_endpoint of the days between the bounds.
SELECT DISTINCT ON (event_id) event_id, id, status FROM deliveries
WHERE endpoint_id = @endpoint_id AND id >= @lo::uuid AND id < @hi::uuid
ORDER BY event_id, replay_id DESC NULLS LAST;
