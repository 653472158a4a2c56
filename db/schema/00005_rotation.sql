-- +goose Up
-- The secret that takes over at next_secret_at, or before: when it is promoted,
-- or when a receiver turns out to know only this one. Encrypted like secret.
ALTER TABLE endpoints ADD COLUMN next_secret bytea, ADD COLUMN next_secret_at timestamptz;

-- Whose signature X-Webhook-Signature was while secrets rotated: old or new.
ALTER TABLE attempts ADD COLUMN signed_with text;

-- +goose Down
ALTER TABLE attempts DROP COLUMN signed_with;
ALTER TABLE endpoints DROP COLUMN next_secret, DROP COLUMN next_secret_at;
