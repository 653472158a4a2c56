-- Each gets a task.
UPDATE deliveries SET task = 'r_01jdfz3gmdkeepsarchiveonly'
WHERE workspace_id = 'big' AND id >= $1::uuid AND id < $2::uuid;
