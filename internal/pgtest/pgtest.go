// Package pgtest gives each test a Postgres database of its own. All of them are
// clones of one template, which is migrated once, on one server: the one that
// $POSTRIDER_TEST_POSTGRES names (make test starts it for all test processes),
// or else a private one that this process starts at its first test and that ends
// with it.
package pgtest

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/postrider/postrider/internal/postgres"
)

// limit bounds what is done for one test outside of the test.
const limit = 2 * time.Minute

// New returns the connection string of a database with the current schema. It is
// dropped at the end of the test, with whatever is still connected to it.
func New(t testing.TB) string {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), limit)
	defer cancel()
	server := shared(t)
	name, err := template(ctx, server, schemaKey(time.Now()), postgres.Migrate)
	if err != nil {
		t.Fatalf("migrate the test databases' template: %v", err)
	}
	return create(t, server, name)
}

// Empty is New without any schema, for tests of the migrations.
func Empty(t testing.TB) string {
	t.Helper()
	return create(t, shared(t), "template0")
}

// sharedServer starts at most one server in a process. It is the package's only
// state: a server for each test would cost a second each.
var sharedServer = sync.OnceValues(func() (string, error) {
	ctx, cancel := context.WithTimeout(context.Background(), limit)
	defer cancel()
	s, err := Run(ctx)
	if err != nil {
		return "", err
	}
	// Nobody stops it: it ends with this process.
	return s.DSN(), nil
})

// shared is the connection string of the server for all of this process's tests.
func shared(t testing.TB) string {
	t.Helper()
	if dsn := serverFromEnv(); dsn != "" {
		return dsn
	}
	dsn, err := sharedServer()
	if err != nil {
		t.Fatal(fmt.Errorf("start Postgres for tests: %w", err))
	}
	return dsn
}
