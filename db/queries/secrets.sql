-- name: StaleSecrets :many
-- A page of the endpoints whose secrets or headers another key than the newest
-- encrypts; its id is their first four bytes. Index: endpoints_pkey.
SELECT id, secret, headers, next_secret FROM endpoints
WHERE id > @after AND deleted_at IS NULL
  AND (substring(secret FROM 1 FOR 4) <> @newest::bytea OR substring(headers FROM 1 FOR 4) <> @newest::bytea
    OR substring(next_secret FROM 1 FOR 4) <> @newest::bytea)
ORDER BY id LIMIT @row_limit::int;

-- name: ReplaceSecrets :execrows
-- Only what was read is replaced: a PATCH meanwhile has the last word. The
-- version stays, for the plain text does. Index: endpoints_pkey.
UPDATE endpoints SET secret = @secret, headers = @headers, next_secret = @next_secret
WHERE id = @id AND secret = @old_secret AND headers IS NOT DISTINCT FROM @old_headers::bytea
  AND next_secret IS NOT DISTINCT FROM @old_next_secret::bytea;
