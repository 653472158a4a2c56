-- name: ReadOnly :one
-- A standby, or a server that is told to be, which refuses to write. It reads no table.
SELECT (current_setting('transaction_read_only') = 'on')::bool AS read_only;

-- name: WALPosition :one
-- How far the log of changes is on the disk: all that was committed is before it.
SELECT (pg_catalog.pg_current_wal_flush_lsn() - '0/0'::pg_lsn)::bigint AS position;

-- name: ReplayPosition :one
-- How far a standby has replayed that log; 0 where it is none.
SELECT coalesce((pg_catalog.pg_last_wal_replay_lsn() - '0/0'::pg_lsn)::bigint, 0)::bigint AS position;
