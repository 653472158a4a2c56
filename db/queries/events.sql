-- name: EventByID :one
-- Index: day events_pkey.
SELECT id, coalesce(external_id, '')::text AS external_id, type, created_at, body, deliveries, endpoint_ids, deliver_at, ordering_key
FROM events WHERE workspace_id = @workspace_id AND id = @id;

-- name: EventByExternalID :one
-- Index: event_ids_pkey.
SELECT event_id FROM event_ids WHERE workspace_id = @workspace_id AND id = @id;

-- name: ListEvents :many
-- A page ends early when its bodies add up to max_bytes; total says how many
-- rows the page would have had. Lengths are read without reading the bodies.
-- Index: events_pkey of each day, newest first.
SELECT id, external_id, type, created_at, body, deliveries, endpoint_ids, deliver_at, ordering_key, total
FROM (
    SELECT page.*, count(*) OVER () AS total,
           (sum(page.size) OVER (ORDER BY page.id DESC) - page.size)::bigint AS bytes_before
    FROM (
        SELECT id, coalesce(external_id, '')::text AS external_id, type, created_at, body, deliveries, endpoint_ids, deliver_at, ordering_key,
               coalesce(octet_length(body), 0)::bigint AS size
        FROM events
        WHERE workspace_id = @workspace_id AND id >= @lo::uuid AND id < @hi::uuid
          AND (@type::text = '' OR type = @type::text)
        ORDER BY id DESC LIMIT @row_limit::int
    ) page
) cut
WHERE bytes_before < @max_bytes::bigint
ORDER BY id DESC;
