-- +goose Up
-- What the windows show, and was counted before there were rollups. A migration of its
-- own: the one before keeps readers of the stats from them until it ends.
INSERT INTO stats_unrolled (end_minute, minutes, workspace_id)
SELECT DISTINCT t.start_minute / r.minutes * r.minutes + r.minutes, r.minutes, t.workspace_id
FROM stats_tallies t CROSS JOIN (VALUES (360::smallint), (1440::smallint)) r (minutes)
WHERE t.start_minute >= extract(epoch FROM now())::bigint / 86400 * 1440 - 32 * 1440
ON CONFLICT DO NOTHING;

-- +goose Down
-- What is not rolled up is read from the hours.
SELECT 1;
