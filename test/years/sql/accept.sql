-- $2 deliveries of one millisecond, whose first id is $1, with a task.
INSERT INTO deliveries (id, workspace_id, event_id, endpoint_id, event_type, task, next_attempt_at)
SELECT (left($1::uuid::text, 13) || substr(gen_random_uuid()::text, 14))::uuid, 'big', $1, md5((i % 200)::text)::uuid, 'order.paid', 'c_01jdfz3gmdkeepsarchiveonly', now()
FROM generate_series(1, $2::int) i;
