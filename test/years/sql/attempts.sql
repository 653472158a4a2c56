-- The attempts of the day's deliveries: all failed but the last of a success.
INSERT INTO day_attempts (delivery_id, workspace_id, id, number, started_at, duration_us, status_code, error, error_class,
                      request_headers, response_headers, response_body)
SELECT a.id, a.workspace_id, (lpad(to_hex((extract(epoch FROM a.at) * 1000)::bigint), 12, '0') || substr(replace(gen_random_uuid()::text, '-', ''), 1, 20))::uuid,
       a.number, a.at, 3000 + (random() ^ 6 * 2000000)::bigint, CASE WHEN a.good THEN 200 ELSE 503 END,
       CASE WHEN NOT a.good THEN 'the receiver answered 503 Service Unavailable' END, CASE WHEN NOT a.good THEN 'status' END,
       convert_to(E'Content-Type: application/json\r\nUser-Agent: Postrider/1\r\nX-Webhook-Id: ' || a.event_id || E'\r\nX-Webhook-Delivery: ' || a.id
           || E'\r\nX-Webhook-Attempt: ' || a.number || E'\r\nX-Webhook-Signature: sha256=' || md5(a.id::text) || replace(a.id::text, '-', '') || E'\r\n', 'UTF8'),
       convert_to(E'Content-Type: text/plain; charset=utf-8\r\nDate: Mon, 02 Mar 2026 10:00:00 GMT\r\nContent-Length: 2\r\n', 'UTF8'),
       CASE WHEN a.good THEN '\x6f6b'::bytea ELSE convert_to(repeat('upstream is not there ', 6), 'UTF8') END
FROM (
    SELECT d.id, d.workspace_id, d.event_id, n AS number, d.status = 'success' AND n = d.attempts AS good,
           to_timestamp((('x' || substr(replace(d.id::text, '-', ''), 1, 12))::bit(48)::bigint) / 1000.0) + (n - 1) * interval '1 minute' + interval '5 ms' AS at
    FROM day_deliveries d CROSS JOIN generate_series(1, d.attempts) n
) a;
