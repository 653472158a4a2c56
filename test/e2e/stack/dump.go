package stack

import (
	"context"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"
)

// Dump is the content of every table of a database, names and values, the bytes of
// each as they are: text would spell them in hex.
func Dump(t testing.TB, postgresURL string) string {
	t.Helper()
	conn := connect(t, postgresURL)
	defer conn.Close(context.Background())
	// Partitions are tables of their own.
	rows, err := conn.Query(t.Context(), `SELECT quote_ident(n.nspname) || '.' || quote_ident(c.relname)
		FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
		WHERE c.relkind = 'r' AND n.nspname NOT IN ('pg_catalog', 'information_schema')`)
	if err != nil {
		t.Fatal(err)
	}
	tables, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		t.Fatal(err)
	}
	var all strings.Builder
	for _, table := range tables {
		all.WriteString(table + "\n")
		if _, err := conn.PgConn().CopyTo(t.Context(), &all, "COPY "+table+" TO STDOUT (FORMAT binary)"); err != nil {
			t.Fatalf("dump %s: %v", table, err)
		}
	}
	return all.String()
}
