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
-- Index: events_pkey of each day, newest first. Those of one type were looked for
-- beforehand, and come as ids.
SELECT id, external_id, type, created_at, body, deliveries, endpoint_ids, deliver_at, ordering_key, total
FROM (
    SELECT page.*, count(*) OVER () AS total,
           (sum(page.size) OVER (ORDER BY page.id DESC) - page.size)::bigint AS bytes_before
    FROM (
        SELECT id, coalesce(external_id, '')::text AS external_id, type, created_at, body, deliveries, endpoint_ids, deliver_at, ordering_key,
               coalesce(octet_length(body), 0)::bigint AS size
        FROM events
        WHERE workspace_id = @workspace_id AND id >= @lo::uuid AND id < @hi::uuid
          AND (sqlc.narg('ids')::uuid[] IS NULL OR id = ANY(sqlc.narg('ids')::uuid[]))
        ORDER BY id DESC LIMIT @row_limit::int
    ) page
) cut
WHERE bytes_before < @max_bytes::bigint
ORDER BY id DESC;

-- name: WalkEvents :many
-- Looks at so many rows at the most, newest first, and returns those that match, and
-- the last one it looked at: from there the walk goes on. Index: events_pkey of each
-- day, newest first.
SELECT x.id, x.matches, (x.place = @most::int)::bool AS last
FROM (
    SELECT w.id, row_number() OVER (ORDER BY w.id DESC) AS place, (w.type = @type::text)::bool AS matches
    FROM (
        SELECT e.id, e.type FROM events e
        WHERE e.workspace_id = @workspace_id AND e.id >= @lo::uuid AND e.id < @hi::uuid
        ORDER BY e.id DESC LIMIT @most::int
    ) w
) x
WHERE x.matches OR x.place = @most::int
ORDER BY x.id DESC LIMIT @row_limit::int;
