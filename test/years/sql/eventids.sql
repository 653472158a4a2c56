-- What finds events by their callers' own ids.
INSERT INTO event_ids (workspace_id, id, event_id)
SELECT workspace_id, external_id, id FROM events
WHERE id >= $1::uuid AND id < $2::uuid AND external_id IS NOT NULL;
