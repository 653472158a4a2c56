-- A day's events, $3 of them from millisecond $1 on over $2 ms: half of the workspace
-- big, the rest of seven others, of fifty types and a rare one, every fourth with an
-- id of the caller's own, and some 450 bytes each.
INSERT INTO day_events (id, workspace_id, external_id, type, created_at, body, deliveries)
SELECT e.id, e.workspace_id, e.external_id, e.type, e.at,
       convert_to('{"id":"' || coalesce(e.external_id, 'evt_01jdfz3gmdkeepsarchiveonly') || '","type":"' || e.type || '","created_at":"'
           || to_char(e.at, 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"') || '","data":{"object":{"id":' || e.i
           || ',"status":"paid","currency":"EUR","total":12990,"customer":{"id":4711,"email":"customer@example.com"},"note":"'
           || repeat('lorem ipsum dolor ', 12) || '"}},"workspace_id":"' || e.workspace_id || '"}', 'UTF8'),
       10
FROM (
    SELECT i, to_timestamp(ms / 1000.0) AS at,
           (lpad(to_hex(ms), 12, '0') || substr(md5(i::text || ' event'), 1, 20))::uuid AS id,
           CASE WHEN i % 2 = 0 THEN 'big' ELSE 'other-' || (i / 2) % 7 END AS workspace_id,
           CASE WHEN i % 4 = 0 THEN 'order-' || ms || '-' || i END AS external_id,
           CASE WHEN i % 5000 = 2500 THEN 'order.rare' ELSE 'order.t' || (i / 2) % 50 END AS type
    FROM (SELECT i, $1::bigint + $2::bigint * i / $3::int AS ms FROM generate_series(0, $3::int - 1) i) t
) e;
