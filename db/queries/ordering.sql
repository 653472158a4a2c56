-- The lines of ordering keys. Whoever changes one has locked its row of
-- ordering_keys first (TakeTurns, LockTurns), and the deliveries after that: so a
-- later statement sees all that came before, and nobody waits in a circle.

-- name: TakeTurns :many
-- Numbers for n deliveries of each key: the last is last_seq. A key that was idle
-- has the first of them as its head. Sorted by the caller. Index: ordering_keys_pkey.
INSERT INTO ordering_keys AS k (endpoint_id, ordering_key, workspace_id, last_seq, head_seq, head_id)
SELECT u.endpoint_id, u.ordering_key, u.workspace_id, u.base + u.n - 1, u.base, u.first_id
FROM (SELECT unnest((SELECT @endpoint_ids::uuid[])) AS endpoint_id, unnest((SELECT @ordering_keys::text[])) AS ordering_key,
             unnest((SELECT @workspace_ids::text[])) AS workspace_id, unnest((SELECT @ns::bigint[])) AS n,
             unnest((SELECT @first_ids::uuid[])) AS first_id,
             (date_part('epoch', clock_timestamp()) * 1000000)::bigint AS base) u
ON CONFLICT (endpoint_id, ordering_key) DO UPDATE
SET last_seq = k.last_seq + excluded.last_seq - excluded.head_seq + 1,
    head_seq = coalesce(k.head_seq, k.last_seq + 1),
    head_id = coalesce(k.head_id, excluded.head_id),
    moved_at = CASE WHEN k.head_seq IS NULL THEN now() ELSE k.moved_at END
RETURNING endpoint_id, ordering_key, last_seq, head_seq::bigint AS head_seq;

-- name: InsertOrdered :exec
-- Those that wait for their turn are in neither feed's nor audit's index.
INSERT INTO deliveries (id, workspace_id, event_id, endpoint_id, event_type, task, bulk, next_attempt_at,
                        ordering_key, ordering_seq, parked, held_reason)
SELECT u.id, u.workspace_id, u.event_id, u.endpoint_id, u.event_type, NULLIF(u.task, ''), u.bulk, now(),
       u.ordering_key, u.seq, u.waits, CASE WHEN u.waits THEN 'ordering' END
FROM (SELECT unnest((SELECT @ids::uuid[])) AS id, unnest((SELECT @workspace_ids::text[])) AS workspace_id,
             unnest((SELECT @event_ids::uuid[])) AS event_id, unnest((SELECT @endpoint_ids::uuid[])) AS endpoint_id,
             unnest((SELECT @event_types::text[])) AS event_type, unnest((SELECT @tasks::text[])) AS task,
             unnest((SELECT @bulks::bool[])) AS bulk, unnest((SELECT @ordering_keys::text[])) AS ordering_key,
             unnest((SELECT @seqs::bigint[])) AS seq, unnest((SELECT @waits::bool[])) AS waits) u;

-- name: JoinLine :exec
-- One that is there already stays. Index: ordering_queue_pkey.
INSERT INTO ordering_queue (endpoint_id, ordering_key, seq, delivery_id, workspace_id, event_id, bulk)
SELECT unnest((SELECT @endpoint_ids::uuid[])), unnest((SELECT @ordering_keys::text[])), unnest((SELECT @seqs::bigint[])),
       unnest((SELECT @delivery_ids::uuid[])), unnest((SELECT @workspace_ids::text[])), unnest((SELECT @event_ids::uuid[])),
       unnest((SELECT @bulks::bool[]))
ON CONFLICT DO NOTHING;

-- name: LeaveLine :exec
-- Index: ordering_queue_pkey.
DELETE FROM ordering_queue q
USING (SELECT unnest((SELECT @endpoint_ids::uuid[])) AS endpoint_id, unnest((SELECT @ordering_keys::text[])) AS ordering_key,
              unnest((SELECT @seqs::bigint[])) AS seq) u
WHERE q.endpoint_id = u.endpoint_id AND q.ordering_key = u.ordering_key AND q.seq = u.seq;

-- name: LockTurns :many
-- In order, so that two that want the same keys never wait for each other. Index:
-- ordering_keys_pkey.
SELECT k.endpoint_id, k.ordering_key, k.workspace_id, k.head_seq, k.head_id
FROM (SELECT unnest((SELECT @endpoint_ids::uuid[])) AS endpoint_id, unnest((SELECT @ordering_keys::text[])) AS ordering_key) u
JOIN ordering_keys k ON k.endpoint_id = u.endpoint_id AND k.ordering_key = u.ordering_key
ORDER BY k.endpoint_id, k.ordering_key
FOR NO KEY UPDATE OF k;

-- name: PassTurns :many
-- Makes the next in line the head where the one that ended was it; 0 stands for no
-- head. Returns the new heads. Index: ordering_keys_pkey, ordering_queue_pkey.
WITH ended AS MATERIALIZED (
    SELECT k.endpoint_id, k.ordering_key, u.seq
    FROM (SELECT unnest((SELECT @endpoint_ids::uuid[])) AS endpoint_id, unnest((SELECT @ordering_keys::text[])) AS ordering_key,
                 unnest((SELECT @seqs::bigint[])) AS seq) u
    JOIN ordering_keys k ON k.endpoint_id = u.endpoint_id AND k.ordering_key = u.ordering_key
    WHERE coalesce(k.head_seq, 0) = u.seq
), next AS MATERIALIZED (
    SELECT e.endpoint_id, e.ordering_key, e.seq AS ended_seq, n.seq, n.delivery_id, n.workspace_id, n.event_id, n.bulk
    FROM ended e LEFT JOIN LATERAL (
        SELECT q.seq, q.delivery_id, q.workspace_id, q.event_id, q.bulk FROM ordering_queue q
        WHERE q.endpoint_id = e.endpoint_id AND q.ordering_key = e.ordering_key AND q.seq > e.seq
        ORDER BY q.seq LIMIT 1) n ON true
), moved AS (
    UPDATE ordering_keys k SET head_seq = n.seq, head_id = n.delivery_id, moved_at = now()
    FROM next n WHERE k.endpoint_id = n.endpoint_id AND k.ordering_key = n.ordering_key
), gone AS (
    DELETE FROM ordering_queue q USING next n
    WHERE q.endpoint_id = n.endpoint_id AND q.ordering_key = n.ordering_key AND q.seq = n.seq
)
SELECT n.endpoint_id, n.ordering_key, n.ended_seq::bigint AS ended_seq, n.seq::bigint AS seq, n.delivery_id::uuid AS delivery_id,
       n.workspace_id::text AS workspace_id, n.event_id::uuid AS event_id, n.bulk::bool AS bulk
FROM next n WHERE n.delivery_id IS NOT NULL;

-- name: GiveTurns :many
-- The heads leave the line; without a task they are feed's when due. Index: day deliveries_pkey.
UPDATE deliveries d
SET parked = false, held_reason = NULL, held_until = NULL, task = NULLIF(u.task, ''),
    next_attempt_at = greatest(d.next_attempt_at, now() + u.delay_ms * interval '1 millisecond')
FROM (SELECT unnest((SELECT @workspace_ids::text[])) AS workspace_id, unnest((SELECT @ids::uuid[])) AS id,
             unnest((SELECT @tasks::text[])) AS task, unnest((SELECT @delays_ms::bigint[])) AS delay_ms) u
WHERE d.workspace_id = u.workspace_id AND d.id = u.id AND d.id >= @lo::uuid AND d.id < @hi::uuid
  AND CASE WHEN d.status = 'pending' THEN d.parked AND d.held_reason = 'ordering' END
RETURNING d.id;

-- name: TurnsOf :many
-- Which of these deliveries have a key. Index: day deliveries_pkey.
SELECT d.workspace_id, d.id, d.endpoint_id, d.event_id, d.ordering_key::text AS ordering_key, d.ordering_seq::bigint AS ordering_seq, d.bulk
FROM (SELECT unnest((SELECT @workspace_ids::text[])) AS workspace_id, unnest((SELECT @ids::uuid[])) AS id) u
JOIN deliveries d ON d.workspace_id = u.workspace_id AND d.id = u.id
WHERE d.id >= @lo::uuid AND d.id < @hi::uuid AND d.ordering_key IS NOT NULL;

-- name: LockOrdered :many
-- How these stand, and from now on they do not change. In whose name a request may
-- be under way is busy. Index: day deliveries_pkey.
SELECT d.id, (d.status = 'pending')::bool AS pending, coalesce(d.parked AND d.held_reason = 'ordering', false)::bool AS waits,
       (d.task IS NOT NULL AND d.next_attempt_at <= now())::bool AS busy
FROM (SELECT unnest((SELECT @workspace_ids::text[])) AS workspace_id, unnest((SELECT @ids::uuid[])) AS id) u
JOIN deliveries d ON d.workspace_id = u.workspace_id AND d.id = u.id
WHERE d.id >= @lo::uuid AND d.id < @hi::uuid
FOR NO KEY UPDATE OF d;

-- name: HeadsOf :many
-- Whose turn it is. Index: ordering_keys_pkey.
SELECT k.endpoint_id, k.ordering_key, k.head_seq
FROM (SELECT unnest((SELECT @endpoint_ids::uuid[])) AS endpoint_id, unnest((SELECT @ordering_keys::text[])) AS ordering_key) u
JOIN ordering_keys k ON k.endpoint_id = u.endpoint_id AND k.ordering_key = u.ordering_key;

-- name: WaitTurns :many
-- Back into the line, or to feed where the turn came meanwhile, of what still names
-- the task. After LockTurns. Returns those that wait. Index: day deliveries_pkey, ordering_keys_pkey.
WITH back AS (
    UPDATE deliveries d
    SET task = NULL, parked = coalesce(k.head_seq < d.ordering_seq, false), held_until = NULL,
        held_reason = CASE WHEN k.head_seq < d.ordering_seq THEN 'ordering' END
    FROM (SELECT unnest((SELECT @workspace_ids::text[])) AS workspace_id, unnest((SELECT @ids::uuid[])) AS id,
                 unnest((SELECT @endpoint_ids::uuid[])) AS endpoint_id, unnest((SELECT @ordering_keys::text[])) AS ordering_key,
                 unnest((SELECT @tasks::text[])) AS task) u
    LEFT JOIN ordering_keys k ON k.endpoint_id = u.endpoint_id AND k.ordering_key = u.ordering_key
    WHERE d.workspace_id = u.workspace_id AND d.id = u.id AND d.id >= @lo::uuid AND d.id < @hi::uuid
      AND CASE WHEN d.status = 'pending' THEN d.task = u.task END
    RETURNING d.id, d.parked
)
SELECT back.id FROM back WHERE back.parked;

-- name: RetryInLine :execrows
-- As RetryDelivery, of one whose turn is still to come: it waits for that again.
-- After LockTurns. Index: day deliveries_pkey, endpoints_pkey, day events_pkey.
UPDATE deliveries d
SET status = 'pending', task = NULL, next_attempt_at = now(), schedule_start = d.attempts, completed_at = NULL,
    reason = NULL, parked = true, held_reason = 'ordering', held_until = NULL
WHERE d.workspace_id = @workspace_id AND d.id = @id AND d.status IN ('failed', 'canceled')
  AND EXISTS (SELECT 1 FROM endpoints e WHERE e.id = d.endpoint_id AND e.deleted_at IS NULL)
  AND EXISTS (SELECT 1 FROM events v WHERE v.workspace_id = @workspace_id AND v.id = d.event_id
              AND v.id >= @lo::uuid AND v.id < @hi::uuid AND v.body IS NOT NULL);

-- name: KeysAfter :many
-- A page of the keys for the sweep. lost is a line without a head. Index:
-- ordering_keys_pkey, ordering_queue_pkey.
SELECT k.endpoint_id, k.ordering_key, k.workspace_id, k.head_seq, k.head_id,
       -- A scalar on purpose: of EXISTS a hash of the whole queue might be made.
       (k.head_seq IS NULL AND coalesce((
           SELECT true FROM ordering_queue q WHERE q.endpoint_id = k.endpoint_id AND q.ordering_key = k.ordering_key LIMIT 1), false))::bool AS lost
FROM ordering_keys k
WHERE (k.endpoint_id, k.ordering_key) > (@after_endpoint::uuid, @after_key::text)
ORDER BY k.endpoint_id, k.ordering_key LIMIT @n::int;

-- name: LiveHeads :many
-- Which of the heads somebody has, or will come for. Index: day deliveries_pkey.
SELECT d.id
FROM (SELECT unnest((SELECT @workspace_ids::text[])) AS workspace_id, unnest((SELECT @ids::uuid[])) AS id) u
JOIN deliveries d ON d.workspace_id = u.workspace_id AND d.id = u.id
WHERE d.id >= @lo::uuid AND d.id < @hi::uuid
  AND CASE WHEN d.status = 'pending' THEN NOT d.parked OR d.held_reason <> 'ordering' END;

-- name: RemoveIdleKeys :execrows
-- Of a page, those without anything pending for an hour. Index: ordering_keys_pkey,
-- ordering_queue_pkey.
DELETE FROM ordering_keys k
USING (SELECT unnest((SELECT @endpoint_ids::uuid[])) AS endpoint_id, unnest((SELECT @ordering_keys::text[])) AS ordering_key) u
WHERE k.endpoint_id = u.endpoint_id AND k.ordering_key = u.ordering_key
  AND k.head_seq IS NULL AND k.moved_at < now() - interval '1 hour'
  AND NOT EXISTS (SELECT FROM ordering_queue q WHERE q.endpoint_id = u.endpoint_id AND q.ordering_key = u.ordering_key);

-- name: NoteLines :exec
-- Lets the scheduler look after the lines of deleted endpoints. Index: ordering_queue_pkey.
INSERT INTO parked_endpoints (endpoint_id, workspace_id, reason, next_check_at)
SELECT u.endpoint_id, @workspace_id::text, 'ordering', now()
FROM (SELECT unnest((SELECT @endpoint_ids::uuid[])) AS endpoint_id) u
-- A scalar on purpose: of EXISTS a hash of the whole queue might be made.
WHERE (SELECT true FROM ordering_queue q WHERE q.endpoint_id = u.endpoint_id LIMIT 1)
ON CONFLICT (endpoint_id) DO UPDATE SET next_check_at = now();

-- name: OldestHeld :many
-- As OldestParked, with those that wait for their turn. Index: deliveries_parked of every day.
SELECT workspace_id, id FROM deliveries
WHERE endpoint_id = @endpoint_id AND status = 'pending' AND parked
ORDER BY id LIMIT @n::int;
