-- name: DayTables :many
-- Every day table, attached or not: one that was detached and not dropped
-- yet is still there.
SELECT c.relname::text AS name, c.relispartition AS attached,
       coalesce(obj_description(c.oid, 'pg_class'), '')::text AS comment
FROM pg_catalog.pg_class c
WHERE c.relnamespace = current_schema()::regnamespace AND c.relkind = 'r'
  AND c.relname ~ '^(events|deliveries|attempts)_p[0-9]{8}(_bare|_full)?$'
ORDER BY c.relname;

-- name: ExpirePending :many
-- A page of what is still pending in a day. Its three arms are the three partial
-- indexes of pending rows, which are empty on most old days. Returns how many
-- that were of each endpoint, and their places in the lines of ordering keys.
-- Index: day deliveries_feed, deliveries_audit, deliveries_parked, deliveries_pkey.
WITH expired AS (
UPDATE deliveries d
SET status = 'failed', reason = 'expired', task = NULL, parked = false, held_reason = NULL, held_until = NULL,
    next_attempt_at = NULL, completed_at = now()
FROM (
    (SELECT f.workspace_id, f.id FROM deliveries f
     WHERE f.id >= @lo::uuid AND f.id < @hi::uuid AND f.status = 'pending' AND f.task IS NULL AND NOT f.parked LIMIT @n::int)
    UNION ALL
    (SELECT a.workspace_id, a.id FROM deliveries a
     WHERE a.id >= @lo::uuid AND a.id < @hi::uuid AND a.status = 'pending' AND a.task IS NOT NULL LIMIT @n::int)
    UNION ALL
    (SELECT p.workspace_id, p.id FROM deliveries p
     WHERE p.id >= @lo::uuid AND p.id < @hi::uuid AND p.status = 'pending' AND p.parked LIMIT @n::int)
) u
WHERE d.workspace_id = u.workspace_id AND d.id = u.id AND d.id >= @lo::uuid AND d.id < @hi::uuid AND CASE WHEN d.status = 'pending' THEN true END
RETURNING d.workspace_id, d.endpoint_id, d.ordering_key, d.ordering_seq
)
SELECT workspace_id, endpoint_id, count(*)::int AS deliveries,
       coalesce(array_agg(ordering_key) FILTER (WHERE ordering_key IS NOT NULL), '{}')::text[] AS ordering_keys,
       coalesce(array_agg(ordering_seq) FILTER (WHERE ordering_key IS NOT NULL), '{}')::bigint[] AS ordering_seqs
FROM expired GROUP BY workspace_id, endpoint_id ORDER BY endpoint_id;

-- name: DeleteEventIDs :execrows
-- A page of the callers ids of a day. Index: event_ids_event, event_ids_pkey.
DELETE FROM event_ids e
USING (SELECT i.workspace_id, i.id FROM event_ids i WHERE i.event_id >= @lo::uuid AND i.event_id < @hi::uuid LIMIT @n::int) u
WHERE e.workspace_id = u.workspace_id AND e.id = u.id;
