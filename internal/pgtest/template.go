package pgtest

import (
	"context"
	"fmt"
	"hash/fnv"

	"github.com/jackc/pgx/v5"
)

// template returns the name of the migrated database for a schema's key, and
// makes it if it is missing. Processes that want it at the same time wait for
// the first. It gets its name once it is complete, and then takes no
// connections, because a database in use can't be cloned.
func template(ctx context.Context, server, key string, migrate func(ctx context.Context, dsn string) error) (string, error) {
	name := "template_" + key
	conn, err := pgx.Connect(ctx, server)
	if err != nil {
		return "", err
	}
	defer conn.Close(ctx) // lets go of the lock, too
	if _, err := conn.Exec(ctx, "SELECT pg_advisory_lock($1)", lockID(name)); err != nil {
		return "", fmt.Errorf("wait for the lock on %s: %w", name, err)
	}
	var exists bool
	if err := conn.QueryRow(ctx, "SELECT EXISTS (SELECT FROM pg_database WHERE datname = $1)", name).Scan(&exists); err != nil {
		return "", fmt.Errorf("look for %s: %w", name, err)
	}
	if exists {
		return name, nil
	}
	unfinished := name + "_unfinished"
	for _, statement := range []string{
		"DROP DATABASE IF EXISTS " + unfinished + " WITH (FORCE)",
		"CREATE DATABASE " + unfinished + " TEMPLATE template0",
	} {
		if _, err := conn.Exec(ctx, statement); err != nil {
			return "", fmt.Errorf("%s: %w", statement, err)
		}
	}
	if err := migrate(ctx, withDatabase(server, unfinished)); err != nil {
		return "", err
	}
	for _, statement := range []string{
		"ALTER DATABASE " + unfinished + " ALLOW_CONNECTIONS false",
		"ALTER DATABASE " + unfinished + " RENAME TO " + name,
	} {
		if _, err := conn.Exec(ctx, statement); err != nil {
			return "", fmt.Errorf("%s: %w", statement, err)
		}
	}
	return name, nil
}

// lockID is the number of the advisory lock for a name.
func lockID(name string) int64 {
	h := fnv.New64a()
	h.Write([]byte(name)) // never fails
	return int64(h.Sum64())
}
