-- Each of them fails and waits in Postgres alone.
UPDATE deliveries SET attempts = attempts + 1, task = NULL, next_attempt_at = now()
WHERE workspace_id = 'big' AND id >= $1::uuid AND id < $2::uuid;
