-- +goose Up

-- A replay may be of deliveries that somebody chose: these are the ones that it makes
-- again, each of another event or to another endpoint, in the order of their ids.
-- position is the last one that it has dealt with.
ALTER TABLE replays ADD COLUMN delivery_ids uuid[];
-- old release: it makes no row that this refuses. Of those that it does not know it says
-- that they are of no endpoint and no event, and its scheduler cancels one that runs.
ALTER TABLE replays DROP CONSTRAINT replays_check;
-- old release: the same; the table is small.
ALTER TABLE replays ADD CONSTRAINT replays_check CHECK (num_nonnulls(endpoint_id, event_id, delivery_ids) = 1);

-- +goose Down
DELETE FROM replays WHERE delivery_ids IS NOT NULL;
ALTER TABLE replays DROP CONSTRAINT replays_check;
ALTER TABLE replays ADD CONSTRAINT replays_check CHECK ((endpoint_id IS NULL) <> (event_id IS NULL));
ALTER TABLE replays DROP COLUMN delivery_ids;
