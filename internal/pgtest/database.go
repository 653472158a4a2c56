package pgtest

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io/fs"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/postrider/postrider/db"
)

// create makes a database that the test's end drops.
func create(t testing.TB, server, template string) string {
	t.Helper()
	name := "test_" + strings.ToLower(rand.Text())
	if err := execAll(server, "CREATE DATABASE "+name+" TEMPLATE "+template); err != nil {
		t.Fatalf("create test database: %v", err)
	}
	t.Cleanup(func() {
		if err := execAll(server, "DROP DATABASE "+name+" WITH (FORCE)"); err != nil {
			t.Errorf("drop test database: %v", err)
		}
	})
	return withDatabase(server, name)
}

// execAll runs statements on a connection of its own.
func execAll(dsn string, statements ...string) error {
	ctx, cancel := context.WithTimeout(context.Background(), limit)
	defer cancel()
	conn, err := pgx.Connect(ctx, dsn)
	if err != nil {
		return err
	}
	defer conn.Close(ctx) // nothing is lost with it
	for _, statement := range statements {
		if _, err := conn.Exec(ctx, statement); err != nil {
			return fmt.Errorf("%s: %w", statement, err)
		}
	}
	return nil
}

// withDatabase is the connection string of another database on the same server.
func withDatabase(dsn, name string) string {
	u, err := url.Parse(dsn)
	if err != nil {
		panic(err) // serverFromEnv and Start only let URLs through
	}
	u.Path = "/" + name
	return u.String()
}

// schemaKey names the schema that Migrate makes: it follows from the migrations
// and, because of the partitions, from the day.
func schemaKey(now time.Time) string {
	h := sha256.New()
	files, err := fs.Glob(db.Schema, "schema/*.sql")
	if err != nil {
		panic(err) // a malformed pattern
	}
	for _, file := range files {
		content, err := db.Schema.ReadFile(file)
		if err != nil {
			panic(err) // embedded files can be read
		}
		fmt.Fprintf(h, "%s %d\n%s", file, len(content), content)
	}
	return now.UTC().Format("20060102") + "_" + hex.EncodeToString(h.Sum(nil)[:6])
}
