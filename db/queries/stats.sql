-- name: LockStats :one
-- One counts at a time: an older count must not overwrite a newer one. Asked in a
-- statement of its own, so that what counts afterwards sees what the last one wrote.
SELECT pg_try_advisory_xact_lock(7041972115)::bool AS locked;

-- name: AwaitStats :exec
-- Before a day's tables are changed: who counts holds them for as long as it pauses, and
-- waiting for it with a table's lock asked for would hold up everybody else.
SELECT pg_advisory_xact_lock(7041972115);

-- name: MarkMinutes :exec
-- What the trigger stats_mark does, for statements that it does not see, and after
-- them: so the transaction has its number. Index: stats_marks_minute.
INSERT INTO stats_marks (workspace_id, minute)
SELECT u.workspace_id, u.minute
FROM (SELECT unnest((SELECT @workspace_ids::text[])) AS workspace_id, unnest((SELECT @minutes::int[])) AS minute) u
WHERE current_setting('transaction_isolation') <> 'read committed'
   OR NOT EXISTS (SELECT FROM stats_marks m WHERE m.workspace_id = u.workspace_id AND m.minute = u.minute AND NOT m.taken);

-- name: TakeMarks :execrows
-- From here on who changes something of these minutes marks anew. Index: stats_marks_age, stats_marks_pkey.
UPDATE stats_marks s SET taken = true
FROM (SELECT m.id FROM stats_marks m
      WHERE m.marked_at < now() - interval '1 millisecond' * @settle_ms::bigint AND NOT m.taken
      ORDER BY m.marked_at LIMIT @n::int FOR UPDATE SKIP LOCKED) u
WHERE s.id = u.id;

-- name: RaiseBarrier :exec
-- After TakeMarks has committed: this transaction's number is higher than that of
-- anybody who saw the marks untaken. A number that no transaction had yet is another
-- server's, of which this is a dump: it would be waited for by the billion. Index:
-- stats_marks_age, stats_marks_pkey.
UPDATE stats_marks s SET barrier = pg_current_xact_id()
FROM (SELECT m.id FROM stats_marks m
      WHERE m.taken AND (m.barrier IS NULL OR m.barrier >= pg_snapshot_xmax(pg_current_snapshot()))
      ORDER BY m.marked_at LIMIT @n::int FOR UPDATE SKIP LOCKED) u
WHERE s.id = u.id;

-- name: ReadyMarks :many
-- Marks whose older transactions have all ended. Index: stats_marks_age.
SELECT m.workspace_id, m.minute FROM stats_marks m
WHERE m.barrier < pg_snapshot_xmin(pg_current_snapshot())
ORDER BY m.marked_at LIMIT @n::int;

-- name: RemoveMarks :execrows
-- What a count that starts in this transaction covers. Index: stats_marks_minute.
DELETE FROM stats_marks
WHERE workspace_id = @workspace_id AND minute >= @lo_minute::int AND minute < @hi_minute::int AND taken
  AND barrier < pg_snapshot_xmin(pg_current_snapshot());

-- name: MarksOf :many
-- Index: stats_marks_minute.
SELECT minute, min(marked_at)::timestamptz AS marked_at FROM stats_marks
WHERE workspace_id = @workspace_id AND minute >= @lo_minute::int AND minute < @hi_minute::int
GROUP BY minute ORDER BY minute DESC;

-- name: OldestMark :one
-- Index: stats_marks_age.
SELECT coalesce(date_part('epoch', now() - min(marked_at)), 0)::float8 AS age_s FROM stats_marks;

-- name: ClearTallies :exec
-- Index: stats_tallies_start.
DELETE FROM stats_tallies
WHERE workspace_id = @workspace_id AND start_minute >= @lo_minute::int AND start_minute < @hi_minute::int;

-- name: HourIsMerged :one
-- Index: stats_tallies_start.
SELECT EXISTS (SELECT FROM stats_tallies
               WHERE workspace_id = @workspace_id AND start_minute = @hour::int AND minutes = 60)::bool AS merged;

-- name: JoinAtOnce :exec
-- For the rest of the transaction: a day without statistics looks empty, and then each
-- of a minute's attempts would be held against each of its deliveries.
SELECT set_config('enable_nestloop', 'off', true);

-- name: CountCells :many
-- From the truth, for each endpoint and the whole, packed. What is in the same cells is
-- counted first, so that a row is grouped once and not once for each cell that it is in.
-- What replays made says nothing about how long an event takes. Index: deliveries_pkey
-- and attempts_pkey of the day, by ranges of ids.
WITH d AS MATERIALIZED (
    SELECT v.id, v.endpoint_id, v.status, v.completed_at, v.replay_id FROM deliveries v
    WHERE v.workspace_id = @workspace_id AND v.id >= @lo::uuid AND v.id < @hi::uuid
), stand AS (
    SELECT d.endpoint_id, d.status,
           CASE WHEN d.status = 'success' AND d.replay_id IS NULL
                THEN stats_bucket((date_part('epoch', d.completed_at) * 1000000)::bigint
                                  - ('x' || encode(substr(uuid_send(d.id), 1, 6), 'hex'))::bit(48)::bigint * 1000) END AS latency,
           count(*) AS n
    FROM d GROUP BY 1, 2, 3
), made AS (
    SELECT d.endpoint_id, t.error_class, stats_bucket(t.duration_us) AS duration, count(*) AS n
    FROM attempts t JOIN d ON d.id = t.delivery_id
    WHERE t.workspace_id = @workspace_id AND t.delivery_id >= @lo::uuid AND t.delivery_id < @hi::uuid
    GROUP BY 1, 2, 3
), cells AS (
    SELECT x.endpoint_id, x.cell, sum(x.n) AS n FROM (
        SELECT s.endpoint_id, array_position(@statuses::text[], s.status) AS cell, s.n FROM stand s
        UNION ALL
        SELECT m.endpoint_id, 100 + coalesce(array_position(@classes::text[], m.error_class), 0), m.n FROM made m WHERE m.error_class IS NOT NULL
        UNION ALL
        SELECT m.endpoint_id, 1000 + m.duration, m.n FROM made m
        UNION ALL
        SELECT s.endpoint_id, 2000 + s.latency, s.n FROM stand s WHERE s.latency IS NOT NULL
    ) x GROUP BY GROUPING SETS ((x.endpoint_id, x.cell), (x.cell))
)
SELECT coalesce(c.endpoint_id, '00000000-0000-0000-0000-000000000000')::uuid AS endpoint_id,
       string_agg(int2send(c.cell::smallint) || int4send(c.n::integer), ''::bytea ORDER BY c.cell)::bytea AS packed
FROM cells c GROUP BY c.endpoint_id;

-- name: AddTallies :copyfrom
INSERT INTO stats_tallies (workspace_id, endpoint_id, start_minute, minutes, cells, counts, packed) VALUES ($1, $2, $3, $4, $5, $6, $7);

-- name: LiveTally :many
-- The same of a few deliveries, at most @n, of some endpoints, each by itself, or of
-- all, as one: what is marked, counted as it is asked for. OFFSET 0 keeps it a look-up
-- for each delivery. Index: deliveries_endpoint or deliveries_pkey, attempts_pkey of the day.
WITH d AS MATERIALIZED (
    SELECT v.id, v.status, v.completed_at, v.replay_id,
           CASE WHEN sqlc.narg('endpoint_ids')::uuid[] IS NULL THEN '00000000-0000-0000-0000-000000000000' ELSE v.endpoint_id END AS endpoint_id
    FROM deliveries v
    WHERE v.workspace_id = @workspace_id AND v.id >= @lo::uuid AND v.id < @hi::uuid
      AND (sqlc.narg('endpoint_ids')::uuid[] IS NULL OR v.endpoint_id = ANY(sqlc.narg('endpoint_ids')::uuid[]))
    LIMIT @n::int
), a AS MATERIALIZED (
    SELECT d.endpoint_id, l.duration_us, l.error_class FROM d CROSS JOIN LATERAL (
        SELECT t.duration_us, t.error_class FROM attempts t
        WHERE t.workspace_id = @workspace_id AND t.delivery_id = d.id AND t.delivery_id >= @lo::uuid AND t.delivery_id < @hi::uuid
        OFFSET 0) l
)
SELECT x.endpoint_id::uuid AS endpoint_id, x.cell::smallint AS cell, count(*)::integer AS n FROM (
    SELECT d.endpoint_id, array_position(@statuses::text[], d.status) AS cell FROM d
    UNION ALL
    SELECT a.endpoint_id, 100 + coalesce(array_position(@classes::text[], a.error_class), 0) FROM a WHERE a.error_class IS NOT NULL
    UNION ALL
    SELECT a.endpoint_id, 1000 + stats_bucket(a.duration_us) FROM a
    UNION ALL
    SELECT d.endpoint_id, 2000 + stats_bucket((date_part('epoch', d.completed_at) * 1000000)::bigint
           - ('x' || encode(substr(uuid_send(d.id), 1, 6), 'hex'))::bit(48)::bigint * 1000)
    FROM d WHERE d.status = 'success' AND d.replay_id IS NULL
) x GROUP BY x.endpoint_id, x.cell;

-- name: TalliesOf :many
-- Of each endpoint by itself: OFFSET 0 keeps it from reading a window's rows of all.
-- Index: stats_tallies_pkey.
SELECT u.id::uuid AS endpoint_id, t.start_minute, t.minutes, t.packed
FROM (SELECT unnest((SELECT @endpoint_ids::uuid[])) AS id, unnest((SELECT @los::int[])) AS lo, unnest((SELECT @his::int[])) AS hi) u
CROSS JOIN LATERAL (SELECT s.start_minute, s.minutes, coalesce(s.packed, stats_pack(s.cells, s.counts))::bytea AS packed FROM stats_tallies s
                    WHERE s.workspace_id = @workspace_id AND s.endpoint_id = u.id
                      AND s.start_minute >= u.lo AND s.start_minute < u.hi
                    OFFSET 0) t;

-- name: RollupsOf :many
-- Those that are up to date. Index: stats_rollups_pkey, stats_unrolled_pkey.
SELECT u.id::uuid AS endpoint_id, t.start_minute, t.packed
FROM unnest((SELECT @endpoint_ids::uuid[])) AS u(id)
CROSS JOIN LATERAL (SELECT s.start_minute, s.packed FROM stats_rollups s
                    WHERE s.workspace_id = @workspace_id AND s.endpoint_id = u.id AND s.minutes = @minutes::smallint
                      AND s.start_minute >= @lo_minute::int AND s.start_minute < @hi_minute::int
                    OFFSET 0) t
WHERE NOT EXISTS (SELECT FROM stats_unrolled o
                  WHERE o.end_minute = t.start_minute + @minutes::smallint AND o.minutes = @minutes::smallint AND o.workspace_id = @workspace_id);

-- name: UnmergedHour :many
-- Index: stats_tallies_minutes.
SELECT workspace_id, start_minute FROM stats_tallies
WHERE minutes = 1 AND start_minute < @before::int ORDER BY start_minute LIMIT 1;

-- name: MergeHour :exec
-- Its minutes become one row each of an endpoint. Index: stats_tallies_start.
WITH old AS (
    DELETE FROM stats_tallies t
    WHERE t.workspace_id = @workspace_id AND t.start_minute >= @hour::int AND t.start_minute < @end_minute::int
    RETURNING t.endpoint_id, t.cells, t.counts
), sums AS (
    SELECT o.endpoint_id, o.cell, sum(o.n)::bigint AS n
    FROM (SELECT old.endpoint_id, unnest(old.cells) AS cell, unnest(old.counts) AS n FROM old) o
    GROUP BY o.endpoint_id, o.cell
)
INSERT INTO stats_tallies (workspace_id, endpoint_id, start_minute, minutes, cells, counts, packed)
SELECT @workspace_id, t.endpoint_id, @hour::int, 60, t.cells, t.counts, stats_pack(t.cells, t.counts)
FROM (SELECT s.endpoint_id, array_agg(s.cell ORDER BY s.cell) AS cells, array_agg(s.n::integer ORDER BY s.cell) AS counts
      FROM sums s GROUP BY s.endpoint_id) t;

-- name: Unrolled :many
-- What ended first; none that has minutes which are not merged. Index: stats_unrolled_pkey, stats_tallies_minutes.
SELECT end_minute, minutes, workspace_id FROM stats_unrolled
WHERE end_minute <= least(@before::int, (SELECT min(t.start_minute) FROM stats_tallies t WHERE t.minutes = 1))
ORDER BY end_minute LIMIT 1;

-- name: MergedOf :many
-- A page of the workspace's endpoints, each with its hours one after another, and without
-- anything where it has none. Index: stats_tallies_pkey.
WITH RECURSIVE page AS (
    (SELECT s.endpoint_id FROM stats_tallies s
     WHERE s.workspace_id = @workspace_id AND (sqlc.narg('after')::uuid IS NULL OR s.endpoint_id > sqlc.narg('after')::uuid)
     ORDER BY s.endpoint_id LIMIT 1)
    UNION ALL
    SELECT n.endpoint_id FROM page p CROSS JOIN LATERAL (
        SELECT s.endpoint_id FROM stats_tallies s
        WHERE s.workspace_id = @workspace_id AND s.endpoint_id > p.endpoint_id ORDER BY s.endpoint_id LIMIT 1) n
)
SELECT p.endpoint_id::uuid AS endpoint_id, coalesce(t.packed, ''::bytea)::bytea AS packed
FROM (SELECT page.endpoint_id FROM page LIMIT @n::int) p
CROSS JOIN LATERAL (SELECT string_agg(coalesce(s.packed, stats_pack(s.cells, s.counts)), ''::bytea) AS packed FROM stats_tallies s
                    WHERE s.workspace_id = @workspace_id AND s.endpoint_id = p.endpoint_id
                      AND s.start_minute >= @start_minute::int AND s.start_minute < @end_minute::int) t
ORDER BY p.endpoint_id;

-- name: RemoveRollups :exec
-- Index: stats_rollups_start.
DELETE FROM stats_rollups WHERE workspace_id = @workspace_id AND minutes = @minutes::smallint AND start_minute = @start_minute::int;

-- name: AddRollups :exec
INSERT INTO stats_rollups (workspace_id, endpoint_id, minutes, start_minute, packed)
SELECT @workspace_id, unnest((SELECT @endpoint_ids::uuid[])), @minutes::smallint, @start_minute::int, unnest((SELECT @packed::bytea[]));

-- name: Rolled :exec
-- Index: stats_unrolled_pkey.
DELETE FROM stats_unrolled WHERE end_minute = @end_minute AND minutes = @minutes AND workspace_id = @workspace_id;

-- name: RemoveOldRollups :execrows
-- What the release before removed has no mark, where that was rolled up meanwhile.
-- Index: stats_rollups_start.
DELETE FROM stats_rollups WHERE start_minute < @before::int;

-- name: RemoveTallies :execrows
-- A page of days that are not kept any more. Index: stats_tallies_start.
DELETE FROM stats_tallies s
USING (SELECT t.workspace_id, t.endpoint_id, t.start_minute FROM stats_tallies t WHERE t.start_minute < @before::int LIMIT @n::int) u
WHERE s.workspace_id = u.workspace_id AND s.endpoint_id = u.endpoint_id AND s.start_minute = u.start_minute;

-- name: Backfill :one
-- Index: none, it has one row.
SELECT day, workspace_id, minute, done FROM stats_backfill;

-- name: MoveBackfill :exec
UPDATE stats_backfill SET day = @day, workspace_id = @workspace_id, minute = @minute, done = @done;

-- name: NextDeliveryOf :many
-- A workspace's first delivery from lo on. Index: day deliveries_pkey.
SELECT id FROM deliveries WHERE workspace_id = @workspace_id AND id >= @lo::uuid AND id < @hi::uuid ORDER BY id LIMIT 1;

-- name: NextWorkspaceOf :many
-- The day's next workspace and its first delivery. Index: day deliveries_pkey.
SELECT workspace_id, id FROM deliveries
WHERE workspace_id > @after AND id >= @lo::uuid AND id < @hi::uuid ORDER BY workspace_id, id LIMIT 1;
