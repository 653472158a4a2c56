-- name: AcquireLease :one
-- Takes, renews or takes over; no row means that somebody else holds it. The
-- epoch counts the changes of holder. Index: leases_pkey.
INSERT INTO leases AS l (name, holder, epoch, expires_at)
VALUES (@name, @holder, 1, now() + make_interval(secs => @ttl_s::float8))
ON CONFLICT (name) DO UPDATE
SET holder = excluded.holder, epoch = l.epoch + (l.holder <> excluded.holder)::int, expires_at = excluded.expires_at
WHERE l.holder = excluded.holder OR l.expires_at <= now()
RETURNING epoch;

-- name: ReleaseLease :exec
-- The row stays, for its epoch. Index: leases_pkey.
UPDATE leases SET expires_at = now() WHERE name = @name AND holder = @holder;
