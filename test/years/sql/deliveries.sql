-- Ten deliveries for each of the day's events, to as many endpoints of its
-- workspace, of which the first are the busiest. Of a thousand 960 are successes, 20
-- failed and 20 canceled; of those $1 parts are pending, until later than now.
WITH e AS MATERIALIZED (
    SELECT v.id, v.workspace_id, v.type, random() AS place,
           substr(replace(v.id::text, '-', ''), 1, 12) AS ms
    FROM day_events v
), sizes AS MATERIALIZED (
    SELECT workspace_id, count(*)::int AS n FROM years.endpoints GROUP BY workspace_id
), d AS (
    SELECT e.*, j, random() AS luck, random() AS chance,
           (floor(s.n * e.place ^ 3)::int + j) % s.n AS n,
           to_timestamp((('x' || e.ms)::bit(48)::bigint) / 1000.0) AS at
    FROM e JOIN sizes s USING (workspace_id) CROSS JOIN generate_series(0, 9) j
), made AS (
    SELECT d.*, CASE WHEN chance < $1::float8 THEN 'pending' WHEN luck < 0.02 THEN 'failed' WHEN luck < 0.04 THEN 'canceled' ELSE 'success' END AS status
    FROM d
)
INSERT INTO day_deliveries (id, workspace_id, event_id, endpoint_id, event_type, status, attempts, next_attempt_at, completed_at, reason)
SELECT (m.ms || substr(md5(m.id::text || m.j), 1, 20))::uuid, m.workspace_id, m.id, p.endpoint_id, m.type, m.status,
       CASE m.status WHEN 'failed' THEN 4 WHEN 'pending' THEN 2 WHEN 'canceled' THEN 1 ELSE 1 + (m.luck > 0.95)::int END,
       CASE WHEN m.status = 'pending' THEN now() + interval '3 hours' + m.luck * interval '9 days' END,
       CASE WHEN m.status <> 'pending' THEN m.at + interval '40 ms' + m.luck ^ 8 * interval '30 s' END,
       CASE WHEN m.status = 'canceled' THEN 'canceled' END
FROM made m JOIN years.endpoints p ON p.workspace_id = m.workspace_id AND p.n = m.n;
