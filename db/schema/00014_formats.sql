-- +goose Up

-- What an endpoint's requests carry. Endpoints are few, so that the constraint's
-- look at them holds nobody up.
--
-- old release: it names its columns when it writes an endpoint, which is standard
-- then, and sends the standard body to all.
ALTER TABLE endpoints ADD COLUMN format text NOT NULL DEFAULT 'standard'
    CHECK (format IN ('standard', 'raw', 'cloudevents'));

-- +goose Down
ALTER TABLE endpoints DROP COLUMN format;
