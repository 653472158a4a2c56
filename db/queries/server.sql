-- name: ReadOnly :one
-- A standby, or a server that is told to be, which refuses to write. It reads no table.
SELECT (current_setting('transaction_read_only') = 'on')::bool AS read_only;
