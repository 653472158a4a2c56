-- Each succeeds.
UPDATE deliveries SET status = 'success', attempts = attempts + 1, task = NULL, next_attempt_at = NULL, completed_at = now()
WHERE workspace_id = 'big' AND id >= $1::uuid AND id < $2::uuid;
