-- name: CountFailures :exec
-- Adds a group of failures to their endpoints runs, and opens the breaker where
-- a run is long enough and spread over the window: from when its first attempt
-- failed to when its last one did, however late they are recorded: both are told
-- as how long ago they were, for no clock but this one counts. After a silence the
-- endpoint fails since this group; how many failed in a row goes on. One row an
-- endpoint, sorted. A failed probe opens it again for longer: 30 s doubling up
-- to 10 minutes. Index: endpoint_health_pkey.
INSERT INTO endpoint_health AS h (endpoint_id, workspace_id, failures, failing_since, updated_at)
SELECT unnest((SELECT @endpoint_ids::uuid[])), unnest((SELECT @workspace_ids::text[])), unnest((SELECT @failures::int[])),
       now() - unnest((SELECT @first_ago_us::bigint[])) * interval '1 microsecond',
       now() - unnest((SELECT @last_ago_us::bigint[])) * interval '1 microsecond'
ON CONFLICT (endpoint_id) DO UPDATE
SET failures = h.failures + excluded.failures,
    failing_since = CASE WHEN excluded.failing_since - h.updated_at > make_interval(secs => @silence_seconds::float8)
        THEN excluded.failing_since ELSE h.failing_since END,
    open_until = CASE
        WHEN h.probe_id IS NOT NULL AND h.probe_id = ANY(@probe_ids::uuid[])
            THEN now() + least(interval '30 seconds' * power(2, least(h.opens, 10)), interval '10 minutes')
        WHEN h.open_until IS NULL AND h.failures + excluded.failures >= @threshold::int
             AND greatest(h.updated_at, excluded.updated_at) - h.failing_since >= make_interval(secs => @window_seconds::float8)
            THEN now() + interval '30 seconds'
        ELSE h.open_until END,
    opens = h.opens + (h.probe_id IS NOT NULL AND h.probe_id = ANY(@probe_ids::uuid[]))::int,
    probe_id = CASE WHEN h.probe_id = ANY(@probe_ids::uuid[]) THEN NULL ELSE h.probe_id END,
    updated_at = greatest(h.updated_at, excluded.updated_at);

-- name: ForgetFailures :exec
-- A success ends the run: the breaker closes. What is parked behind it is let go
-- with a ramp. Goes before CountFailures in a group. Index: endpoint_health_pkey, parked_endpoints_pkey.
WITH closed AS (
    DELETE FROM endpoint_health WHERE endpoint_id = ANY(@endpoint_ids::uuid[]) RETURNING endpoint_id
)
UPDATE parked_endpoints p SET next_check_at = now(), release_count = 2
FROM closed WHERE p.endpoint_id = closed.endpoint_id AND p.reason = 'breaker_open';

-- name: EndPause :execrows
-- The endpoint was changed: a breaker that is open lets a probe out at once. One
-- that is under way, to where it was before, decides nothing any more.
-- Index: endpoint_health_pkey.
UPDATE endpoint_health SET open_until = now(), probe_id = NULL, probe_at = NULL
WHERE endpoint_id = @endpoint_id AND open_until IS NOT NULL;

-- name: BeginProbe :execrows
-- From now on it has the time that a probe gets, however long it waited for a
-- worker. Nothing where another took its place. Index: endpoint_health_pkey.
UPDATE endpoint_health SET probe_at = now() WHERE endpoint_id = @endpoint_id AND probe_id = @delivery_id;

-- name: LeaveProbes :exec
-- These were to be probes and are not made. Index: endpoint_health_pkey.
UPDATE endpoint_health h SET probe_id = NULL, probe_at = NULL
FROM (SELECT unnest((SELECT @endpoint_ids::uuid[])) AS endpoint_id, unnest((SELECT @delivery_ids::uuid[])) AS delivery_id) u
WHERE h.endpoint_id = u.endpoint_id AND h.probe_id = u.delivery_id;

-- name: EndRuns :exec
-- Ends runs that had a success which nobody told of, for its worker did not know
-- of them yet: at most the failures of two seconds are not counted. An open
-- breaker is left to a success that was told. Index: endpoint_health_pkey.
DELETE FROM endpoint_health WHERE endpoint_id IN (
    SELECT h.endpoint_id FROM endpoint_health h
    WHERE h.endpoint_id = ANY(@endpoint_ids::uuid[]) AND h.open_until IS NULL ORDER BY h.endpoint_id FOR UPDATE);

-- name: FailingEndpoints :many
-- Which endpoints have a run of failures: the ones whose success must be told.
SELECT endpoint_id FROM endpoint_health;

-- name: DisableEndpoints :exec
-- The receiver said 410. An endpoint that was changed since that request was made
-- may have another receiver by now. Any change counts: the next 410 disables it.
-- Index: endpoints_pkey.
WITH gone AS (
    UPDATE endpoints e SET is_active = false, disabled_at = now(), disabled_reason = @reason::text, updated_at = now(),
        version = e.version + 1
    FROM (SELECT unnest((SELECT @ids::uuid[])) AS id, unnest((SELECT @versions::bigint[])) AS version) u
    WHERE e.id = u.id AND e.version <= u.version AND e.is_active AND e.deleted_at IS NULL
    RETURNING e.workspace_id
)
UPDATE workspaces SET endpoints_version = endpoints_version + 1 WHERE id IN (SELECT workspace_id FROM gone);
