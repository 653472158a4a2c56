-- name: ClaimKey :one
-- One statement, so that two at once have one winner: it finds its own claim in
-- what comes back. A key that is older than a day begins anew; a claim that ran
-- out without an answer is taken over. Index: idempotency_keys_pkey.
INSERT INTO idempotency_keys (workspace_id, route, key, request_hash, token, claim, claimed_until)
VALUES (@workspace_id, @route, @key, @request_hash, @token, @claim, now() + make_interval(secs => @seconds))
ON CONFLICT (workspace_id, route, key) DO UPDATE SET
    request_hash = CASE WHEN idempotency_keys.created_at <= now() - interval '1 day' THEN EXCLUDED.request_hash ELSE idempotency_keys.request_hash END,
    token = CASE WHEN idempotency_keys.created_at <= now() - interval '1 day' THEN EXCLUDED.token ELSE idempotency_keys.token END,
    answer = CASE WHEN idempotency_keys.created_at <= now() - interval '1 day' THEN NULL ELSE idempotency_keys.answer END,
    claim = CASE WHEN idempotency_keys.created_at <= now() - interval '1 day'
                   OR idempotency_keys.answer IS NULL AND idempotency_keys.claimed_until <= now() AND idempotency_keys.request_hash = EXCLUDED.request_hash
            THEN EXCLUDED.claim ELSE idempotency_keys.claim END,
    claimed_until = CASE WHEN idempotency_keys.created_at <= now() - interval '1 day'
                           OR idempotency_keys.answer IS NULL AND idempotency_keys.claimed_until <= now() AND idempotency_keys.request_hash = EXCLUDED.request_hash
                    THEN EXCLUDED.claimed_until ELSE idempotency_keys.claimed_until END,
    created_at = CASE WHEN idempotency_keys.created_at <= now() - interval '1 day' THEN now() ELSE idempotency_keys.created_at END
RETURNING request_hash, token, claim, answer;

-- name: KeepAnswer :execrows
-- Index: idempotency_keys_pkey.
UPDATE idempotency_keys SET answer = @answer
WHERE workspace_id = @workspace_id AND route = @route AND key = @key AND claim = @claim AND answer IS NULL;

-- name: ReleaseKey :exec
-- Index: idempotency_keys_pkey.
DELETE FROM idempotency_keys
WHERE workspace_id = @workspace_id AND route = @route AND key = @key AND claim = @claim AND answer IS NULL;

-- name: RemoveOldKeys :execrows
-- A page of what is no longer kept. Index: idempotency_keys_created.
DELETE FROM idempotency_keys WHERE (workspace_id, route, key) IN (
    SELECT o.workspace_id, o.route, o.key FROM idempotency_keys o
    WHERE o.created_at <= now() - interval '1 day' ORDER BY o.created_at LIMIT @n::int FOR UPDATE SKIP LOCKED);
