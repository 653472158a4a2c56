-- How many deliveries of an event type there are, and how many of them their second
-- attempt made a success.
SELECT count(*), count(*) FILTER (WHERE status = 'success' AND attempts = 2) FROM deliveries WHERE event_type = $1;
