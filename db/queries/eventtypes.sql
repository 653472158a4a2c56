-- name: NextTypesVersion :one
-- First in every change of an event type: the row lock orders the commits, and
-- whoever reads the version before validating knows whether its rules are stale.
-- Index: workspaces_pkey.
UPDATE workspaces SET types_version = types_version + 1
WHERE id = @id AND deleted_at IS NULL
RETURNING types_version;

-- name: PutEventType :one
-- The id that comes back is the given one where the type is new. Index: event_types_pkey.
INSERT INTO event_types (workspace_id, name, id, description, schema, example, validation, version)
VALUES (@workspace_id, @name, @id, @description, @schema, @example, @validation, @version)
ON CONFLICT (workspace_id, name) DO UPDATE
SET description = excluded.description, schema = excluded.schema, example = excluded.example,
    validation = excluded.validation, version = excluded.version, updated_at = now()
RETURNING id, updated_at;

-- name: CountEventTypes :one
-- After NextTypesVersion, whose lock keeps others from adding one. Index: event_types_newest.
SELECT count(*) FROM event_types WHERE workspace_id = @workspace_id;

-- name: DeleteEventType :execrows
-- Index: event_types_pkey.
DELETE FROM event_types WHERE workspace_id = @workspace_id AND name = @name;

-- name: EventTypeByName :one
-- Of a workspace that was deleted there is none any more. Index: event_types_pkey, workspaces_pkey.
SELECT t.id, t.name, t.description, t.schema, t.example, t.validation, t.version, t.updated_at
FROM event_types t JOIN workspaces w ON w.id = t.workspace_id
WHERE t.workspace_id = @workspace_id AND t.name = @name AND w.deleted_at IS NULL;

-- name: ListEventTypes :many
-- A page ends early when its schemas and examples add up to max_bytes; total says
-- how many rows the page would have had. Index: event_types_newest.
SELECT id, name, description, schema, example, validation, version, updated_at, total
FROM (
    SELECT page.*, count(*) OVER () AS total,
           (sum(page.size) OVER (ORDER BY page.id DESC) - page.size)::bigint AS bytes_before
    FROM (
        SELECT id, name, description, schema, example, validation, version, updated_at,
               (coalesce(octet_length(schema::text), 0) + coalesce(octet_length(example::text), 0))::bigint AS size
        FROM event_types
        WHERE workspace_id = @workspace_id AND id < @before
        ORDER BY id DESC LIMIT @row_limit::int
    ) page
) cut
WHERE bytes_before < @max_bytes::bigint
ORDER BY id DESC;

-- name: TypeRules :many
-- The types whose events are held against a schema. Index: event_types_pkey.
SELECT workspace_id, name, validation, version FROM event_types
WHERE workspace_id = ANY(@workspace_ids::text[]) AND validation <> 'off';

-- name: TypeSchemas :many
-- Index: event_types_pkey.
SELECT name, version, schema FROM event_types
WHERE workspace_id = @workspace_id AND name = ANY(@names::text[]) AND validation <> 'off';
