-- All that has failed once is due, as if its hours were over. In one transaction, so
-- that feed sees all or nothing of it.
UPDATE deliveries SET next_attempt_at = now()
WHERE status = 'pending' AND task IS NULL AND NOT parked AND attempts = 1;
