-- name: DoctorServer :one
-- What postrider doctor asks of a server once. It reads no table of ours.
SELECT current_setting('server_version_num')::int AS version_num,
       current_setting('server_version')::text AS version,
       current_user::text AS role,
       current_database()::text AS database,
       coalesce(current_schema(), '')::text AS schema,
       pg_is_in_recovery() AS standby,
       pg_catalog.pg_encoding_to_char(d.encoding)::text AS encoding,
       d.datconnlimit AS database_limit,
       coalesce(r.rolconnlimit, -1)::int AS role_limit,
       pg_catalog.age(d.datfrozenxid)::bigint AS frozen_age,
       (SELECT count(*) FROM pg_catalog.pg_stat_activity WHERE backend_type = 'client backend') AS connections,
       (SELECT count(*) FROM pg_catalog.pg_stat_replication) AS replicas,
       clock_timestamp()::timestamptz AS now
FROM pg_catalog.pg_database d, pg_catalog.pg_roles r
WHERE d.datname = current_database() AND r.rolname = current_user;

-- name: DoctorSettings :many
-- Settings as they are in this session, so that those of a role or a database
-- count, without units: times are in ms.
SELECT name::text AS name, coalesce(setting, '')::text AS value
FROM pg_catalog.pg_settings WHERE name = ANY(@names::text[]);

-- name: DoctorTables :many
-- Which of our tables there are, what this role may do with them, and how many of
-- their rows are dead.
SELECT c.relname::text AS name,
       pg_catalog.pg_has_role(c.relowner, 'USAGE') AS owned,
       (pg_catalog.has_table_privilege(c.oid, 'SELECT') AND pg_catalog.has_table_privilege(c.oid, 'INSERT')
         AND pg_catalog.has_table_privilege(c.oid, 'UPDATE') AND pg_catalog.has_table_privilege(c.oid, 'DELETE'))::bool AS usable,
       coalesce('autovacuum_enabled=false' = ANY(c.reloptions) OR 'autovacuum_enabled=off' = ANY(c.reloptions), false)::bool AS unvacuumed,
       coalesce(s.n_live_tup, 0)::bigint AS live,
       coalesce(s.n_dead_tup, 0)::bigint AS dead
FROM pg_catalog.pg_class c
LEFT JOIN pg_catalog.pg_stat_user_tables s ON s.relid = c.oid
WHERE c.relnamespace = current_schema()::regnamespace AND c.relkind IN ('r', 'p')
  AND (c.relname = ANY(@names::text[]) OR c.relname ~ '^(events|deliveries|attempts)_p[0-9]{8}$')
ORDER BY c.relname;

-- name: DoctorMayCreate :one
-- Partitions are made, and dropped, by the role that postgres.url names.
SELECT coalesce(pg_catalog.has_schema_privilege(current_schema(), 'CREATE'), false)::bool AS may_create;

-- name: DoctorHolders :one
-- What keeps vacuum from its work: the oldest transaction that is open, prepared
-- ones, and slots that nobody reads.
SELECT coalesce((SELECT extract(epoch FROM max(now() - xact_start)) FROM pg_catalog.pg_stat_activity
                 WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()), 0)::float8 AS transaction_s,
       coalesce((SELECT extract(epoch FROM max(now() - prepared)) FROM pg_catalog.pg_prepared_xacts), 0)::float8 AS prepared_s,
       (SELECT count(*) FROM pg_catalog.pg_replication_slots WHERE NOT active) AS idle_slots;

-- name: DoctorUnreadable :one
-- How many endpoints' secrets none of the keys encrypts, which are known by the
-- first four bytes. The endpoints are read once.
SELECT count(*) FROM endpoints
WHERE deleted_at IS NULL
  AND (substring(secret FROM 1 FOR 4) <> ALL(@known::bytea[]) OR substring(headers FROM 1 FOR 4) <> ALL(@known::bytea[])
    OR substring(next_secret FROM 1 FOR 4) <> ALL(@known::bytea[]));

-- name: DoctorReceivers :many
-- URLs of endpoints that are active, the newest first. Index: endpoints_pkey, backwards.
SELECT url FROM endpoints WHERE deleted_at IS NULL AND is_active ORDER BY id DESC LIMIT @row_limit::int;

-- name: DoctorLeader :one
-- Whether a scheduler leads. The table has one row a role.
SELECT EXISTS (SELECT FROM leases WHERE expires_at > now()) AS leads;
