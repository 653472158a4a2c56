-- +goose Up
-- A key's answer comes right after its claim. With room for it in the same page no
-- index learns of it. What is there already moves nowhere; a day later it is gone.
-- old release: this is where new rows are put, and no statement sees it.
ALTER TABLE idempotency_keys SET (fillfactor = 30);

-- +goose Down
ALTER TABLE idempotency_keys RESET (fillfactor);
