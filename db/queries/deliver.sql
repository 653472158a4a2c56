-- Arrays come as (SELECT @a::…): so the planner takes them for ten rows and goes
-- by the index, row by row. Of a known length, and a day that has no statistics
-- yet, it would read the whole day to hash some hundred rows against it.
-- Conditions on the state stand in a CASE, which is opaque to the planner: it
-- would take a partial index for them, and try each of its rows with each of ours.

-- name: GuardDeliveries :many
-- What must be known before a request is made, also whether its outcome can be
-- recorded: a standby answers this as well. Index: day deliveries_pkey,
-- endpoints_pkey, endpoint_health_pkey.
SELECT d.id, d.status, d.task, d.attempts, d.schedule_start,
       -- Rounded up, for nothing is early; NULL, of what has ended, is no number.
       coalesce(ceil(date_part('epoch', d.next_attempt_at - now()) * 1000), 0)::bigint AS due_in_ms,
       d.deliver_at, (d.replay_id IS NOT NULL)::bool AS replayed, e.version, e.is_active, (e.deleted_at IS NOT NULL)::bool AS deleted,
       (h.open_until IS NOT NULL)::bool AS breaker_open,
       coalesce(ceil(date_part('epoch', h.open_until - now()) * 1000), 0)::bigint AS open_for_ms, h.probe_id,
       (current_setting('transaction_read_only') = 'on')::bool AS read_only, d.ordering_key, d.ordering_seq
FROM (SELECT unnest((SELECT @workspace_ids::text[])) AS workspace_id, unnest((SELECT @ids::uuid[])) AS id) u
JOIN deliveries d ON d.workspace_id = u.workspace_id AND d.id = u.id
JOIN endpoints e ON e.id = d.endpoint_id
LEFT JOIN endpoint_health h ON h.endpoint_id = d.endpoint_id
WHERE d.id >= @lo::uuid AND d.id < @hi::uuid;

-- name: GuardSpans :many
-- The same of many at once that were accepted one after another: those of each span of
-- ids that are pending, due, without an ordering key and of an endpoint that is not
-- paused in any manner, one row for what stands alike. A chunk's members lie side by
-- side when they are first attempts, so it is one range in place of a look-up for each,
-- and some rows to send and read. A span's most bounds its rows where others lie between,
-- not what of them is dead: whoever is not told of is asked about by GuardDeliveries.
-- OFFSET 0 keeps endpoints a look-up: of the groups the planner expects few, and would
-- go through them for every endpoint there is. Index: day deliveries_pkey, endpoints_pkey, endpoint_health_pkey.
SELECT a.workspace_id, a.ids::bytea AS ids, a.task, a.attempts, a.schedule_start, a.replayed, e.version,
       (current_setting('transaction_read_only') = 'on')::bool AS read_only
FROM (
    SELECT d.workspace_id, d.endpoint_id, d.task, d.attempts, d.schedule_start, (d.replay_id IS NOT NULL)::bool AS replayed,
           string_agg(uuid_send(d.id), ''::bytea) AS ids
    FROM (SELECT unnest((SELECT @workspace_ids::text[])) AS workspace_id, unnest((SELECT @firsts::uuid[])) AS first,
                 unnest((SELECT @lasts::uuid[])) AS last, unnest((SELECT @mosts::int[])) AS most) u
    CROSS JOIN LATERAL (
        SELECT p.id, p.workspace_id, p.endpoint_id, p.task, p.attempts, p.schedule_start, p.replay_id, p.status, p.next_attempt_at, p.deliver_at, p.ordering_key
        FROM deliveries p
        WHERE p.workspace_id = u.workspace_id AND p.id >= u.first AND p.id <= u.last AND p.id >= @lo::uuid AND p.id < @hi::uuid
        ORDER BY p.id LIMIT u.most) d
    WHERE CASE WHEN d.status = 'pending' AND d.task IS NOT NULL AND d.next_attempt_at <= now() AND d.deliver_at IS NULL
               THEN d.ordering_key IS NULL ELSE false END
    GROUP BY 1, 2, 3, 4, 5, 6
) a
CROSS JOIN LATERAL (SELECT q.version, q.is_active, q.deleted_at FROM endpoints q WHERE q.id = a.endpoint_id OFFSET 0) e
LEFT JOIN LATERAL (SELECT q.open_until FROM endpoint_health q WHERE q.endpoint_id = a.endpoint_id OFFSET 0) h ON true
WHERE e.is_active AND e.deleted_at IS NULL AND h.open_until IS NULL;

-- name: EventBodies :many
-- Index: day events_pkey.
SELECT e.id, coalesce(e.external_id, '')::text AS external_id, e.type, e.body, e.trace
FROM (SELECT unnest((SELECT @workspace_ids::text[])) AS workspace_id, unnest((SELECT @ids::uuid[])) AS id) u
JOIN events e ON e.workspace_id = u.workspace_id AND e.id = u.id
WHERE e.id >= @lo::uuid AND e.id < @hi::uuid;

-- name: DeliveryTargets :many
-- Index: endpoints_pkey.
SELECT id, workspace_id, url, secret, headers, timeout_s, retry_schedule, rate_limit, max_in_flight, version, format,
       next_secret, next_secret_at
FROM endpoints WHERE id = ANY(@ids::uuid[]) AND deleted_at IS NULL;

-- name: RecordSuccesses :exec
-- A success always wins, whoever holds the row by now. The attempt is numbered
-- from the row. Index: day deliveries_pkey.
WITH u AS (
    SELECT unnest((SELECT @workspace_ids::text[])) AS workspace_id, unnest((SELECT @delivery_ids::uuid[])) AS delivery_id,
           unnest((SELECT @attempt_ids::uuid[])) AS attempt_id, unnest((SELECT @started_ats::timestamptz[])) AS started_at,
           unnest((SELECT @durations_us::bigint[])) AS duration_us, unnest((SELECT @status_codes::int[])) AS status_code,
           unnest((SELECT @request_headers::bytea[])) AS request_headers,
           unnest((SELECT @response_headers::bytea[])) AS response_headers,
           unnest((SELECT @response_bodies::bytea[])) AS response_body
), done AS (
    UPDATE deliveries d
    SET status = 'success', attempts = d.attempts + 1, task = NULL, next_attempt_at = NULL, parked = false,
        held_reason = NULL, held_until = NULL, reason = NULL,
        completed_at = CASE WHEN d.status = 'success' THEN d.completed_at ELSE now() END
    FROM u
    WHERE d.workspace_id = u.workspace_id AND d.id = u.delivery_id AND d.id >= @lo::uuid AND d.id < @hi::uuid
    RETURNING d.id, d.attempts
)
INSERT INTO attempts (delivery_id, workspace_id, id, number, started_at, duration_us, status_code,
                      request_headers, response_headers, response_body)
SELECT u.delivery_id, u.workspace_id, u.attempt_id, done.attempts, u.started_at, u.duration_us, u.status_code,
       u.request_headers, u.response_headers, u.response_body
FROM done JOIN u ON u.delivery_id = done.id;

-- name: RecordFailures :many
-- A failure changes the state only while its fence holds: the row still names
-- this task and has made no attempt since it was read. new_status is pending
-- (new_task and delay_ms say who holds it until when, an empty one is feed) or
-- failed. spends is false for a probe, which uses up no retry. Where the fence
-- does not hold the attempt happened all the same: it is kept and counted, but
-- decides nothing and uses up no retry either, so schedule_start moves along.
-- The fence is looked at in SET, which sees the row as it is once it is locked;
-- who waited for another's change has it computed anew. Locking in a statement
-- part of its own would take a second lock on each of the day's indexes.
-- Returns whose fence held. The row does not say so itself, but what it became
-- does: attempts goes on by one each time, a new task is nobody else's, and the
-- time is this transaction's.
-- Index: day deliveries_pkey.
WITH u AS (
    SELECT unnest((SELECT @workspace_ids::text[])) AS workspace_id, unnest((SELECT @delivery_ids::uuid[])) AS delivery_id,
           unnest((SELECT @tasks::text[])) AS task, unnest((SELECT @seen::int[])) AS seen,
           unnest((SELECT @new_statuses::text[])) AS new_status, unnest((SELECT @new_tasks::text[])) AS new_task,
           unnest((SELECT @delays_ms::bigint[])) AS delay_ms, unnest((SELECT @spends::bool[])) AS spends,
           unnest((SELECT @attempt_ids::uuid[])) AS attempt_id, unnest((SELECT @started_ats::timestamptz[])) AS started_at,
           unnest((SELECT @durations_us::bigint[])) AS duration_us, unnest((SELECT @status_codes::int[])) AS status_code,
           unnest((SELECT @errors::text[])) AS error, unnest((SELECT @error_classes::text[])) AS error_class,
           unnest((SELECT @request_headers::bytea[])) AS request_headers,
           unnest((SELECT @response_headers::bytea[])) AS response_headers,
           unnest((SELECT @response_bodies::bytea[])) AS response_body
), done AS (
    UPDATE deliveries d
    SET attempts = d.attempts + 1,
        schedule_start = d.schedule_start + CASE WHEN d.status = 'pending' AND d.task = u.task AND d.attempts = u.seen AND u.spends
                                                 THEN 0 ELSE 1 END,
        (status, task, next_attempt_at, completed_at) = (
            SELECT CASE WHEN f.holds THEN u.new_status ELSE d.status END,
                   CASE WHEN f.holds THEN NULLIF(u.new_task, '') ELSE d.task END,
                   CASE WHEN NOT f.holds THEN d.next_attempt_at
                        WHEN u.new_status = 'pending' THEN now() + u.delay_ms * interval '1 millisecond' END,
                   CASE WHEN NOT f.holds THEN d.completed_at WHEN u.new_status <> 'pending' THEN now() END
            FROM (SELECT coalesce(d.status = 'pending' AND d.task = u.task AND d.attempts = u.seen, false) AS holds) f)
    FROM u
    WHERE d.workspace_id = u.workspace_id AND d.id = u.delivery_id AND d.id >= @lo::uuid AND d.id < @hi::uuid
    RETURNING d.id, d.attempts,
        (d.attempts = u.seen + 1 AND d.status = u.new_status AND CASE WHEN u.new_status = 'pending'
            THEN d.task IS NOT DISTINCT FROM NULLIF(u.new_task, '') AND d.next_attempt_at = now() + u.delay_ms * interval '1 millisecond'
            ELSE d.completed_at = now() END) AS held
), kept AS (
    INSERT INTO attempts (delivery_id, workspace_id, id, number, started_at, duration_us, status_code, error, error_class,
                          request_headers, response_headers, response_body)
    SELECT u.delivery_id, u.workspace_id, u.attempt_id, done.attempts, u.started_at, u.duration_us,
           NULLIF(u.status_code, 0), u.error, u.error_class, u.request_headers, u.response_headers, u.response_body
    FROM done JOIN u ON u.delivery_id = done.id
)
SELECT done.id FROM done WHERE done.held;

-- name: RecordedAttempts :many
-- Which of these attempts are there already, and how their deliveries stand.
-- Asked only after an attempt was refused as a duplicate. Index: day attempts_pkey, day deliveries_pkey.
SELECT a.id, d.status, coalesce(d.task, '')::text AS task
FROM (SELECT unnest((SELECT @workspace_ids::text[])) AS workspace_id, unnest((SELECT @delivery_ids::uuid[])) AS delivery_id,
             unnest((SELECT @attempt_ids::uuid[])) AS attempt_id) u
JOIN attempts a ON a.workspace_id = u.workspace_id AND a.delivery_id = u.delivery_id AND a.id = u.attempt_id
JOIN deliveries d ON d.workspace_id = u.workspace_id AND d.id = u.delivery_id
WHERE a.delivery_id >= @lo::uuid AND a.delivery_id < @hi::uuid AND d.id >= @lo::uuid AND d.id < @hi::uuid;

-- name: HandOver :many
-- Postgres first, Redis second: the row names its next holder before that
-- holder exists. Returns what still named the old one. Index: day deliveries_pkey.
UPDATE deliveries d SET task = NULLIF(u.new_task, '')
FROM (SELECT unnest((SELECT @workspace_ids::text[])) AS workspace_id, unnest((SELECT @ids::uuid[])) AS id,
             unnest((SELECT @tasks::text[])) AS task, unnest((SELECT @new_tasks::text[])) AS new_task) u
WHERE d.workspace_id = u.workspace_id AND d.id = u.id AND d.id >= @lo::uuid AND d.id < @hi::uuid
  AND CASE WHEN d.status = 'pending' THEN d.task = u.task END
RETURNING d.id;

-- name: ParkDeliveries :exec
-- For how long is counted by Postgres's clock; 0 is until an act. Index: day deliveries_pkey.
UPDATE deliveries d SET parked = true, task = NULL, held_reason = u.reason,
    held_until = CASE WHEN u.for_ms > 0 THEN now() + u.for_ms * interval '1 millisecond' END
FROM (SELECT unnest((SELECT @workspace_ids::text[])) AS workspace_id, unnest((SELECT @ids::uuid[])) AS id, unnest((SELECT @tasks::text[])) AS task,
             unnest((SELECT @reasons::text[])) AS reason, unnest((SELECT @fors_ms::bigint[])) AS for_ms) u
WHERE d.workspace_id = u.workspace_id AND d.id = u.id AND d.id >= @lo::uuid AND d.id < @hi::uuid
  AND CASE WHEN d.status = 'pending' THEN d.task = u.task END;

-- name: ParkEndpoints :exec
-- After ParkDeliveries in the same transaction: the feeder deletes a row only
-- when it sees nothing parked, and this waits for it and inserts anew.
-- Meeting the limit again halves what is let go next. It puts no look off: where
-- deliveries come all the time nothing would ever be let go, not even a probe. Only
-- without the secret's key there is nothing to look for before the time is over.
INSERT INTO parked_endpoints (endpoint_id, workspace_id, reason, next_check_at)
SELECT unnest((SELECT @endpoint_ids::uuid[])), unnest((SELECT @workspace_ids::text[])), unnest((SELECT @reasons::text[])),
       now() + unnest((SELECT @checks_in_ms::bigint[])) * interval '1 millisecond'
ON CONFLICT (endpoint_id) DO UPDATE
SET reason = excluded.reason,
    next_check_at = CASE WHEN excluded.reason = 'secret_sealed' THEN excluded.next_check_at
                         ELSE least(parked_endpoints.next_check_at, excluded.next_check_at) END,
    release_count = greatest(parked_endpoints.release_count / 2, 1);

-- name: SettleDeliveries :many
-- Ends deliveries without an attempt. Returns how many that were of each endpoint.
-- Index: day deliveries_pkey.
WITH settled AS (
UPDATE deliveries d SET status = @status::text, reason = @reason::text, task = NULL, next_attempt_at = NULL, completed_at = now()
FROM (SELECT unnest((SELECT @workspace_ids::text[])) AS workspace_id, unnest((SELECT @ids::uuid[])) AS id, unnest((SELECT @tasks::text[])) AS task) u
WHERE d.workspace_id = u.workspace_id AND d.id = u.id AND d.id >= @lo::uuid AND d.id < @hi::uuid
  AND CASE WHEN d.status = 'pending' THEN d.task = u.task END
RETURNING d.workspace_id, d.endpoint_id
)
SELECT workspace_id, endpoint_id, count(*)::int AS deliveries FROM settled GROUP BY workspace_id, endpoint_id ORDER BY endpoint_id;

-- name: WorkerHeartbeat :exec
INSERT INTO workers (id, host) VALUES (@id, @host)
ON CONFLICT (id) DO UPDATE SET heartbeat_at = now();

-- name: LiveWorkers :one
SELECT count(*) FROM workers WHERE heartbeat_at > now() - interval '15 seconds';

-- name: RemoveWorker :exec
DELETE FROM workers WHERE id = @id;

-- name: NoteSigners :exec
-- Whose signature attempts had that were recorded just now, while their
-- endpoint's secrets rotate. Index: day attempts_pkey.
UPDATE attempts a SET signed_with = u.signed_with
FROM (SELECT unnest((SELECT @workspace_ids::text[])) AS workspace_id, unnest((SELECT @delivery_ids::uuid[])) AS delivery_id,
             unnest((SELECT @attempt_ids::uuid[])) AS attempt_id, unnest((SELECT @signed_withs::text[])) AS signed_with) u
WHERE a.workspace_id = u.workspace_id AND a.delivery_id = u.delivery_id AND a.id = u.attempt_id
  AND a.delivery_id >= @lo::uuid AND a.delivery_id < @hi::uuid;

-- name: RecordRefused :exec
-- What attempts that were recorded just now had sent before, with the old
-- secret: rows of the same number. Index: day attempts_pkey.
INSERT INTO attempts (delivery_id, workspace_id, id, number, started_at, duration_us, status_code, error, error_class,
                      request_headers, response_headers, response_body, signed_with)
SELECT a.delivery_id, a.workspace_id, u.attempt_id, a.number, u.started_at, u.duration_us, u.status_code, u.error, u.error_class,
       u.request_headers, u.response_headers, u.response_body, u.signed_with
FROM (SELECT unnest((SELECT @workspace_ids::text[])) AS workspace_id, unnest((SELECT @delivery_ids::uuid[])) AS delivery_id,
             unnest((SELECT @after_ids::uuid[])) AS after_id,
             unnest((SELECT @attempt_ids::uuid[])) AS attempt_id, unnest((SELECT @started_ats::timestamptz[])) AS started_at,
             unnest((SELECT @durations_us::bigint[])) AS duration_us, unnest((SELECT @status_codes::int[])) AS status_code,
             unnest((SELECT @errors::text[])) AS error, unnest((SELECT @error_classes::text[])) AS error_class,
             unnest((SELECT @request_headers::bytea[])) AS request_headers,
             unnest((SELECT @response_headers::bytea[])) AS response_headers,
             unnest((SELECT @response_bodies::bytea[])) AS response_body,
             unnest((SELECT @signed_withs::text[])) AS signed_with) u
JOIN attempts a ON a.workspace_id = u.workspace_id AND a.delivery_id = u.delivery_id AND a.id = u.after_id
WHERE a.delivery_id >= @lo::uuid AND a.delivery_id < @hi::uuid;
