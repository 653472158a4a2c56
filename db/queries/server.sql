-- name: ReadOnly :one
-- A standby, or a server that is told to be, which refuses to write. It reads no table.
SELECT (current_setting('transaction_read_only') = 'on')::bool AS read_only;

-- name: WALPosition :one
-- Which server it is, standbys included, and how far its log of changes is on the
-- disk: all that was committed is before that.
SELECT c.system_identifier::bigint AS server, (pg_catalog.pg_current_wal_flush_lsn() - '0/0'::pg_lsn)::bigint AS position
FROM pg_catalog.pg_control_system() c;

-- name: ReplayPosition :one
-- Of which server it is a standby, and how far it has replayed the log; 0 where it is none:
-- a primary, too, knows how far it replayed when it was promoted or came back from a crash.
SELECT c.system_identifier::bigint AS server,
    CASE WHEN pg_catalog.pg_is_in_recovery() THEN coalesce((pg_catalog.pg_last_wal_replay_lsn() - '0/0'::pg_lsn)::bigint, 0) ELSE 0 END::bigint AS position
FROM pg_catalog.pg_control_system() c;

-- name: DaySize :one
-- How large a day's deliveries are, in bytes; 0 where one of the day's tables is not
-- there, detached, or not for whoever asks: rights on the partitioned tables are not theirs.
SELECT CASE WHEN count(*) = 3 THEN pg_relation_size(to_regclass(@deliveries::text)) ELSE 0 END::bigint AS bytes
FROM unnest(ARRAY[@events::text, @deliveries::text, @attempts::text]) AS name
JOIN pg_catalog.pg_class c ON c.oid = to_regclass(name)
WHERE c.relispartition AND has_table_privilege(c.oid, 'INSERT') AND has_table_privilege(c.oid, 'SELECT')
  AND has_table_privilege(c.oid, 'UPDATE');
