-- name: DueDeliveries :many
-- The oldest of what only this table knows and that is due: all of it, where
-- there are fewer. It has no parameters on purpose: such a statement is planned
-- once a connection, which 120 partitions would otherwise make 9 ms a round.
-- Index: deliveries_feed of every day.
SELECT workspace_id, id, bulk, next_attempt_at FROM deliveries
WHERE status = 'pending' AND task IS NULL AND NOT parked AND next_attempt_at <= now()
ORDER BY next_attempt_at LIMIT 2000;

-- name: DueLines :many
-- Whose deliveries wait for feed, a workspace's live ones apart from its bulk, in
-- order, from after on: each is one step down the index, whatever the others'
-- backlog. due is false where the oldest one is not due yet. The order by all
-- columns of the index keeps the planner from any other; its collation is C,
-- so that the program can merge the days. Index: day deliveries_feed_share.
WITH RECURSIVE lines AS (
    (SELECT d.workspace_id, d.bulk, d.next_attempt_at FROM deliveries d
     WHERE d.id >= @lo::uuid AND d.id < @hi::uuid AND d.status = 'pending' AND d.task IS NULL AND NOT d.parked
       AND (d.workspace_id COLLATE "C", d.bulk) > (@after_workspace::text, @after_bulk::bool)
     ORDER BY d.workspace_id COLLATE "C", d.bulk, d.next_attempt_at LIMIT 1)
    UNION ALL
    SELECT n.workspace_id, n.bulk, n.next_attempt_at FROM lines l CROSS JOIN LATERAL (
        SELECT d.workspace_id, d.bulk, d.next_attempt_at FROM deliveries d
        WHERE d.id >= @lo::uuid AND d.id < @hi::uuid AND d.status = 'pending' AND d.task IS NULL AND NOT d.parked
          AND (d.workspace_id COLLATE "C", d.bulk) > (l.workspace_id, l.bulk)
        ORDER BY d.workspace_id COLLATE "C", d.bulk, d.next_attempt_at LIMIT 1) n)
SELECT workspace_id, bulk, (next_attempt_at <= now())::bool AS due FROM lines LIMIT @n::int;

-- name: DueOfLines :many
-- The oldest of each line. Index: day deliveries_feed_share.
SELECT d.workspace_id, d.id, d.bulk, d.next_attempt_at
FROM (SELECT unnest((SELECT @workspace_ids::text[])) AS workspace_id, unnest((SELECT @bulks::bool[])) AS bulk) u
CROSS JOIN LATERAL (
    SELECT x.workspace_id, x.id, x.bulk, x.next_attempt_at FROM deliveries x
    WHERE x.workspace_id COLLATE "C" = u.workspace_id AND x.bulk = u.bulk AND x.id >= @lo::uuid AND x.id < @hi::uuid
      AND x.status = 'pending' AND x.task IS NULL AND NOT x.parked AND x.next_attempt_at <= now()
    ORDER BY x.next_attempt_at LIMIT @n::int) d;

-- name: LockDueDeliveries :many
-- What another scheduler has locked, or has claimed meanwhile, is skipped: two of
-- them claim disjoint rows. Index: day deliveries_pkey.
SELECT d.workspace_id, d.id, d.event_id, d.endpoint_id, d.bulk, d.attempts
FROM (SELECT unnest((SELECT @workspace_ids::text[])) AS workspace_id, unnest((SELECT @ids::uuid[])) AS id) u
JOIN deliveries d ON d.workspace_id = u.workspace_id AND d.id = u.id
WHERE d.id >= @lo::uuid AND d.id < @hi::uuid
  AND CASE WHEN d.status = 'pending' THEN d.task IS NULL AND NOT d.parked AND d.next_attempt_at <= now() END
FOR UPDATE OF d SKIP LOCKED;

-- name: GiveTasks :exec
-- Only after LockDueDeliveries in the same transaction. Index: day deliveries_pkey.
UPDATE deliveries d SET task = u.task
FROM (SELECT unnest((SELECT @workspace_ids::text[])) AS workspace_id, unnest((SELECT @ids::uuid[])) AS id,
             unnest((SELECT @tasks::text[])) AS task) u
WHERE d.workspace_id = u.workspace_id AND d.id = u.id AND d.id >= @lo::uuid AND d.id < @hi::uuid
  AND CASE WHEN d.status = 'pending' THEN d.task IS NULL AND NOT d.parked END;

-- name: Clock :one
SELECT now()::timestamptz AS now;

-- name: HeldDeliveries :many
-- A page of what a task holds and that is due in (after, until]. Rows that are
-- due at the same instant stay in one page, so that the due time alone is the
-- cursor and the index alone the order. ahead leaves out what has become due by the
-- time it is looked at, by the clock and not by the transaction's time: a row that
-- this snapshot sees was accepted before that. Index: deliveries_audit of every day.
SELECT workspace_id, id, task::text AS task, next_attempt_at FROM deliveries
WHERE status = 'pending' AND task IS NOT NULL
  AND next_attempt_at > @after::timestamptz AND next_attempt_at <= @until::timestamptz
  AND (NOT @ahead::bool OR next_attempt_at > clock_timestamp())
ORDER BY next_attempt_at FETCH FIRST (@n::int) ROWS WITH TIES;

-- name: DeadWorkers :many
-- Which of these tasks (w_ and a worker) have no worker behind them. Index: workers_pkey.
SELECT u.task::text AS task
FROM (SELECT unnest((SELECT @tasks::text[])) AS task) u
WHERE NOT EXISTS (
    SELECT FROM workers w WHERE w.id = substr(u.task, 3) AND w.heartbeat_at > now() - interval '15 seconds');

-- name: WorkerHeartbeats :many
-- The table has one row a worker.
SELECT id, heartbeat_at FROM workers;

-- name: HeldByWorkers :many
-- Asked once for each worker that dies. A request is begun only when it is due,
-- so what waits for its time in Redis is not looked through. Index:
-- deliveries_audit of every day.
SELECT workspace_id, id, task::text AS task FROM deliveries
WHERE status = 'pending' AND task IS NOT NULL AND next_attempt_at <= now() AND task = ANY(@tasks::text[])
LIMIT @n::int;

-- name: RemoveDeadWorkers :execrows
-- The table has one row a worker.
DELETE FROM workers WHERE heartbeat_at < now() - interval '1 hour';

-- name: OldestDue :one
-- How long the oldest due row has waited, in seconds, for feed and for a task.
-- Without parameters, as DueDeliveries. Index: deliveries_feed and
-- deliveries_audit of every day.
SELECT
    greatest(extract(epoch FROM now() - (
        SELECT min(next_attempt_at) FROM deliveries WHERE status = 'pending' AND task IS NULL AND NOT parked)), 0)::float8 AS unheld_s,
    greatest(extract(epoch FROM now() - (
        SELECT min(next_attempt_at) FROM deliveries WHERE status = 'pending' AND task IS NOT NULL)), 0)::float8 AS held_s;

-- name: PlanOnce :exec
-- For the rest of the transaction, or until PlanEach: statements over every day
-- whose plan does not depend on their parameters keep it (1.3 ms, not 9, with
-- 120 partitions).
SELECT set_config('plan_cache_mode', 'force_generic_plan', true);

-- name: PlanOnceByKeys :exec
-- PlanOnce for a statement that joins a few rows to large tables, in its own order, or
-- looks some up: whatever size they are of when the plan is made, it is by their key.
SELECT set_config('plan_cache_mode', 'force_generic_plan', true), set_config('join_collapse_limit', '1', true),
       set_config('enable_seqscan', 'off', true), set_config('enable_hashjoin', 'off', true), set_config('enable_mergejoin', 'off', true);

-- name: PlanEach :exec
-- Statements that name their day are planned each time, for that day alone.
SELECT set_config('plan_cache_mode', 'force_custom_plan', true);

-- name: LockParkedEndpoint :one
-- A statement of its own before ParkedEndpointState, whose snapshot then sees
-- what the last holder of the lock did. Index: parked_endpoints_due.
SELECT endpoint_id, workspace_id, reason, release_count FROM parked_endpoints
WHERE next_check_at <= now() ORDER BY next_check_at LIMIT 1 FOR UPDATE SKIP LOCKED;

-- name: ParkedEndpointState :one
-- Index: endpoints_pkey, endpoint_health_pkey.
SELECT (e.id IS NULL OR e.deleted_at IS NOT NULL)::bool AS deleted,
       coalesce(e.is_active, false)::bool AS active,
       coalesce(e.rate_limit, 0)::int AS rate_limit,
       coalesce(h.failures, 0)::int AS failures,
       (h.open_until IS NOT NULL)::bool AS breaker_open,
       coalesce(extract(epoch FROM h.open_until - now()), 0)::float8 AS open_for_s,
       coalesce(h.probe_id IS NOT NULL AND h.probe_at > now() - interval '90 seconds', false)::bool AS probing
FROM (SELECT @endpoint_id::uuid AS id) u
LEFT JOIN endpoints e ON e.id = u.id
LEFT JOIN endpoint_health h ON h.endpoint_id = u.id;

-- name: OldestParked :many
-- Those that wait for their turn behind another are not let go by this. Index:
-- deliveries_held of every day, oldest day first.
SELECT workspace_id, id FROM deliveries
WHERE endpoint_id = @endpoint_id AND status = 'pending' AND parked AND held_reason <> 'ordering'
ORDER BY id LIMIT @n::int;

-- name: OldestDueParked :many
-- As OldestParked, the first that may be tried now. Past those whose time is still
-- to come, which are few: as a rule a delivery is parked because it was due. Index:
-- deliveries_held of every day, oldest day first.
SELECT workspace_id, id FROM deliveries
WHERE endpoint_id = @endpoint_id AND status = 'pending' AND parked AND held_reason <> 'ordering' AND next_attempt_at <= now()
ORDER BY id LIMIT 1;

-- name: FirstDueParked :one
-- How soon the first of them is due, in seconds, where none is yet. Index: deliveries_held of every day.
SELECT greatest(coalesce(extract(epoch FROM min(next_attempt_at) - now()), 0), 0)::float8 AS due_in_s FROM deliveries
WHERE endpoint_id = @endpoint_id AND status = 'pending' AND parked AND held_reason <> 'ordering';

-- name: ReleaseParked :many
-- Feed takes them when due, which what is parked normally is: from now on, so that
-- they are at the end of their workspace's line. A probe keeps its place in it: behind a
-- long backlog it would be given up before its turn came, and the next one, too.
-- Index: day deliveries_pkey.
UPDATE deliveries d
SET parked = false, held_reason = NULL, held_until = NULL,
    next_attempt_at = CASE WHEN @probe::bool THEN d.next_attempt_at ELSE greatest(d.next_attempt_at, now()) END
FROM (SELECT unnest((SELECT @workspace_ids::text[])) AS workspace_id, unnest((SELECT @ids::uuid[])) AS id) u
WHERE d.workspace_id = u.workspace_id AND d.id = u.id AND d.id >= @lo::uuid AND d.id < @hi::uuid
  AND CASE WHEN d.status = 'pending' THEN d.parked END
RETURNING d.id;

-- name: CancelPending :many
-- Of a deleted endpoint, whoever holds them. Index: day deliveries_pkey.
UPDATE deliveries d
SET status = 'canceled', reason = 'endpoint_deleted', task = NULL, parked = false, held_reason = NULL, held_until = NULL,
    next_attempt_at = NULL, completed_at = now()
FROM (SELECT unnest((SELECT @workspace_ids::text[])) AS workspace_id, unnest((SELECT @ids::uuid[])) AS id) u
WHERE d.workspace_id = u.workspace_id AND d.id = u.id AND d.id >= @lo::uuid AND d.id < @hi::uuid
  AND CASE WHEN d.status = 'pending' THEN true END
RETURNING d.id;

-- name: SetProbe :exec
-- Index: endpoint_health_pkey.
UPDATE endpoint_health SET probe_id = @delivery_id, probe_at = now()
WHERE endpoint_id = @endpoint_id AND open_until <= now()
  AND (probe_id IS NULL OR probe_at IS NULL OR probe_at <= now() - interval '90 seconds');

-- name: KeepParkedEndpoint :exec
-- Index: parked_endpoints_pkey.
UPDATE parked_endpoints
SET reason = @reason, release_count = @release_count, next_check_at = now() + make_interval(secs => @check_in_s::float8)
WHERE endpoint_id = @endpoint_id;

-- name: ForgetParkedEndpoint :exec
-- Only after OldestParked found nothing that stays, under the row lock: whoever
-- parks more waits for this and inserts anew. Index: parked_endpoints_pkey.
DELETE FROM parked_endpoints WHERE endpoint_id = @endpoint_id;

-- name: DisableFailing :many
-- Endpoints that have failed for that long, from the first failure after the last
-- silence to the last one, and that often in a row: one failure and then silence is
-- not a run, nor are a few now and then. The run is forgotten, so that an endpoint
-- that is enabled again starts anew. The table of health has
-- rows of failing endpoints only. Index: endpoints_pkey.
WITH gone AS (
    UPDATE endpoints e
    SET is_active = false, disabled_at = now(), disabled_reason = @reason::text, updated_at = now(), version = e.version + 1
    FROM endpoint_health h
    WHERE h.endpoint_id = e.id AND e.is_active AND e.deleted_at IS NULL
      AND h.updated_at - h.failing_since >= make_interval(secs => @after_s::float8) AND h.failures >= @failures::int
    RETURNING e.id, e.workspace_id, h.failures, h.failing_since
), forgotten AS (
    DELETE FROM endpoint_health h USING gone WHERE h.endpoint_id = gone.id
), bumped AS (
    UPDATE workspaces SET endpoints_version = endpoints_version + 1 WHERE id IN (SELECT workspace_id FROM gone)
)
SELECT id, workspace_id, failures, failing_since FROM gone;

-- name: ForgetEndedHealth :execrows
-- No success will end the run of an endpoint that was deleted or disabled: enabled
-- again it starts anew. Also a failure of a request that was under way then is counted
-- afterwards. Index: endpoints_pkey.
DELETE FROM endpoint_health h USING endpoints e
WHERE e.id = h.endpoint_id AND (e.deleted_at IS NOT NULL OR NOT e.is_active);

-- name: CountHeld :many
-- How many of the held deliveries are held for which reason, of so many that are
-- looked at. Index: deliveries_parked of every day.
SELECT h.held_reason::text AS reason, count(*) AS deliveries
FROM (SELECT held_reason FROM deliveries WHERE status = 'pending' AND parked LIMIT @look::int) h
GROUP BY h.held_reason;

-- name: CountBreakers :one
-- How many endpoints that fail have an open breaker, and how many not yet. It has a
-- row for each that fails, which FailingEndpoints reads every second as well.
SELECT count(*) FILTER (WHERE open_until IS NOT NULL) AS open, count(*) FILTER (WHERE open_until IS NULL) AS failing
FROM endpoint_health;

-- name: CountEndpoints :one
-- How many of the next endpoints are active and how many not, deleted ones left out,
-- how many were looked at, and the last of them. Index: endpoints_pkey.
SELECT count(*) FILTER (WHERE p.is_active AND p.deleted_at IS NULL) AS active,
       count(*) FILTER (WHERE NOT p.is_active AND p.deleted_at IS NULL) AS disabled,
       count(*) AS looked,
       ((array_agg(p.id ORDER BY p.id DESC))[1])::uuid AS last
FROM (SELECT id, is_active, deleted_at FROM endpoints WHERE id > @after::uuid ORDER BY id LIMIT @look::int) p;
