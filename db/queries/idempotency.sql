-- name: CommitLazily :exec
-- For the transaction that it is in: nobody waits until its commit is on disk. It
-- is there before that of any later transaction which somebody waits for.
SELECT set_config('synchronous_commit', 'off', true);

-- name: InsertKeys :many
-- Keys that nobody has; of two at once the first one wins. Sorted by the caller,
-- so that two processes never wait for each other. Index: idempotency_keys_pkey.
INSERT INTO idempotency_keys (workspace_id, route, key, request_hash, token, claim, claimed_until)
SELECT u.workspace_id, u.route, u.key, u.request_hash, u.token, u.claim, now() + make_interval(secs => u.seconds)
FROM (SELECT unnest((SELECT @workspace_ids::text[])) AS workspace_id, unnest((SELECT @routes::text[])) AS route,
             unnest((SELECT @keys::text[])) AS key, unnest((SELECT @request_hashes::bytea[])) AS request_hash,
             unnest((SELECT @tokens::uuid[])) AS token, unnest((SELECT @claims::uuid[])) AS claim,
             unnest((SELECT @seconds::float8[])) AS seconds) u
ON CONFLICT (workspace_id, route, key) DO NOTHING
RETURNING claim;

-- name: KeyByName :one
-- expired: it is older than a day and begins anew. died: its claim ran out without
-- an answer. Index: idempotency_keys_pkey.
SELECT request_hash, token, claim, answer, (created_at <= now() - interval '1 day')::bool AS expired,
       (answer IS NULL AND claimed_until <= now())::bool AS died
FROM idempotency_keys WHERE workspace_id = @workspace_id AND route = @route AND key = @key;

-- name: TakeKey :one
-- Takes over what was seen to have expired or died, if nobody else has meanwhile.
-- What died goes on with its token. Index: idempotency_keys_pkey.
UPDATE idempotency_keys SET
    request_hash = @request_hash, claim = @claim, claimed_until = now() + make_interval(secs => @seconds), answer = NULL,
    token = CASE WHEN created_at <= now() - interval '1 day' THEN @token ELSE token END,
    created_at = CASE WHEN created_at <= now() - interval '1 day' THEN now() ELSE created_at END
WHERE workspace_id = @workspace_id AND route = @route AND key = @key AND claim = @seen
  AND (created_at <= now() - interval '1 day' OR answer IS NULL AND claimed_until <= now())
RETURNING token;

-- name: KeepAnswers :exec
-- Index: idempotency_keys_pkey.
UPDATE idempotency_keys k SET answer = u.answer
FROM (SELECT unnest((SELECT @workspace_ids::text[])) AS workspace_id, unnest((SELECT @routes::text[])) AS route,
             unnest((SELECT @keys::text[])) AS key, unnest((SELECT @claims::uuid[])) AS claim,
             unnest((SELECT @answers::bytea[])) AS answer) u
WHERE k.workspace_id = u.workspace_id AND k.route = u.route AND k.key = u.key
  AND CASE WHEN k.answer IS NULL THEN k.claim = u.claim END;

-- name: KeepAnswer :execrows
-- In the transaction of what the answer is about: none changed means that somebody
-- has taken the key over. Index: idempotency_keys_pkey.
UPDATE idempotency_keys SET answer = @answer
WHERE workspace_id = @workspace_id AND route = @route AND key = @key AND claim = @claim AND answer IS NULL;

-- name: ReleaseKey :exec
-- Index: idempotency_keys_pkey.
DELETE FROM idempotency_keys
WHERE workspace_id = @workspace_id AND route = @route AND key = @key AND claim = @claim AND answer IS NULL;

-- name: InsertAnswers :exec
-- Keys with their answers, in the transaction of the events that they are about,
-- whose ids are their tokens. A key that somebody has fails the whole transaction.
-- Sorted by the caller, so that two groups never wait for each other.
INSERT INTO idempotency_keys (workspace_id, route, key, request_hash, token, claim, claimed_until, answer)
SELECT u.workspace_id, u.route, u.key, u.request_hash, u.token, u.token, now(), u.answer
FROM (SELECT unnest((SELECT @workspace_ids::text[])) AS workspace_id, unnest((SELECT @routes::text[])) AS route,
             unnest((SELECT @keys::text[])) AS key, unnest((SELECT @request_hashes::bytea[])) AS request_hash,
             unnest((SELECT @tokens::uuid[])) AS token, unnest((SELECT @answers::bytea[])) AS answer) u;

-- name: ClaimAnswers :execrows
-- InsertAnswers without those whose key somebody has. It waits for another
-- transaction that is inserting the same key. Index: idempotency_keys_pkey.
INSERT INTO idempotency_keys (workspace_id, route, key, request_hash, token, claim, claimed_until, answer)
SELECT u.workspace_id, u.route, u.key, u.request_hash, u.token, u.token, now(), u.answer
FROM (SELECT unnest((SELECT @workspace_ids::text[])) AS workspace_id, unnest((SELECT @routes::text[])) AS route,
             unnest((SELECT @keys::text[])) AS key, unnest((SELECT @request_hashes::bytea[])) AS request_hash,
             unnest((SELECT @tokens::uuid[])) AS token, unnest((SELECT @answers::bytea[])) AS answer) u
ON CONFLICT (workspace_id, route, key) DO NOTHING;

-- name: KeyOwners :many
-- Who has these keys. After ClaimAnswers it is a statement of its own: its snapshot
-- sees what the conflict waited for. Index: idempotency_keys_pkey.
SELECT k.workspace_id, k.route, k.key, k.token
FROM (SELECT unnest((SELECT @workspace_ids::text[])) AS workspace_id, unnest((SELECT @routes::text[])) AS route,
             unnest((SELECT @keys::text[])) AS key) u
JOIN idempotency_keys k ON k.workspace_id = u.workspace_id AND k.route = u.route AND k.key = u.key;

-- name: RemoveOldKeys :execrows
-- A page of what is no longer kept. Index: idempotency_keys_created.
DELETE FROM idempotency_keys WHERE (workspace_id, route, key) IN (
    SELECT o.workspace_id, o.route, o.key FROM idempotency_keys o
    WHERE o.created_at <= now() - interval '1 day' ORDER BY o.created_at LIMIT @n::int FOR UPDATE SKIP LOCKED);
