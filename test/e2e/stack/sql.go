package stack

import (
	"context"
	"testing"

	"github.com/jackc/pgx/v5"
)

// SQL runs statements, each on its own, as somebody who may always write. Its
// connection counts as none of Postrider's.
func SQL(t testing.TB, postgresURL string, statements ...string) {
	t.Helper()
	ctx := context.Background() // the test's own is over when it cleans up
	conn := connect(t, postgresURL)
	defer conn.Close(ctx)
	for _, s := range statements {
		if _, err := conn.Exec(ctx, s); err != nil {
			t.Fatalf("%s: %v", s, err)
		}
	}
}

// Ask is the one value that a query returns.
func Ask[T any](t testing.TB, postgresURL, query string) T {
	t.Helper()
	conn := connect(t, postgresURL)
	defer conn.Close(context.Background())
	rows, err := conn.Query(t.Context(), query)
	if err != nil {
		t.Fatalf("%s: %v", query, err)
	}
	v, err := pgx.CollectExactlyOneRow(rows, pgx.RowTo[T])
	if err != nil {
		t.Fatalf("%s: %v", query, err)
	}
	return v
}

func connect(t testing.TB, postgresURL string) *pgx.Conn {
	t.Helper()
	cfg, err := pgx.ParseConfig(postgresURL)
	if err != nil {
		t.Fatal(err)
	}
	cfg.RuntimeParams["default_transaction_read_only"] = "off"
	cfg.RuntimeParams["application_name"] = "a test"
	conn, err := pgx.ConnectConfig(context.Background(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	return conn
}

// cutOff ends all of Postrider's sessions, as an administrator does (57P01).
const cutOff = `SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity
	WHERE datname = current_database() AND application_name LIKE 'postrider-%'`

// CutOff ends all of Postrider's sessions.
func CutOff(t testing.TB, postgresURL string) { SQL(t, postgresURL, cutOff) }

// TurnReadOnly makes all of Postrider's sessions read-only, those that come as well.
func TurnReadOnly(t testing.TB, postgresURL string) {
	t.Helper()
	SQL(t, postgresURL, alterDatabase("SET default_transaction_read_only = on"), cutOff)
}

// TurnWritable makes those sessions writable that begin from now on. Those that
// are open stay as they are: as after a failover, where the URL leads to another
// server and the connections to the old one.
func TurnWritable(t testing.TB, postgresURL string) {
	t.Helper()
	SQL(t, postgresURL, alterDatabase("RESET default_transaction_read_only"))
}

func alterDatabase(how string) string {
	return `DO $$ BEGIN EXECUTE format('ALTER DATABASE %I ` + how + `', current_database()); END $$`
}
