package pgtest

import (
	"context"
	"errors"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
)

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// ask runs one query that returns one bool.
func ask(t testing.TB, dsn, sql string) bool {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), limit)
	defer cancel()
	conn, err := pgx.Connect(ctx, dsn)
	must(t, err)
	defer conn.Close(ctx)
	var yes bool
	must(t, conn.QueryRow(ctx, sql).Scan(&yes))
	return yes
}

func TestNew(t *testing.T) {
	t.Parallel()

	t.Run("HasTheSchema", func(t *testing.T) {
		t.Parallel()
		if !ask(t, New(t), "SELECT count(*) = 0 FROM workspaces") {
			t.Error("there is a workspace")
		}
	})

	t.Run("IsNobodyElses", func(t *testing.T) {
		t.Parallel()
		a, b := New(t), New(t)
		must(t, execAll(a, "CREATE TABLE mine ()"))
		if ask(t, b, "SELECT to_regclass('mine') IS NOT NULL") {
			t.Error("a's table is in b")
		}
	})

	t.Run("IsDroppedWithItsConnections", func(t *testing.T) {
		t.Parallel()
		var dsn string
		t.Run("user", func(t *testing.T) {
			dsn = New(t)
			conn, err := pgx.Connect(context.Background(), dsn)
			must(t, err)
			t.Cleanup(func() { _ = conn.Close(context.Background()) })
		})
		if err := execAll(dsn); err == nil || !strings.Contains(err.Error(), "does not exist") {
			t.Errorf("connecting again: %v", err)
		}
	})

	t.Run("EmptyHasNoSchema", func(t *testing.T) {
		t.Parallel()
		if ask(t, Empty(t), "SELECT to_regclass('workspaces') IS NOT NULL") {
			t.Error("there are workspaces")
		}
	})
}

func TestTemplate(t *testing.T) {
	t.Parallel()

	t.Run("IsMigratedOnceForAll", func(t *testing.T) {
		t.Parallel()
		server := shared(t)
		var runs atomic.Int32
		migrate := func(_ context.Context, dsn string) error {
			runs.Add(1)
			return execAll(dsn, "CREATE TABLE migrated ()")
		}
		var group sync.WaitGroup
		for range 4 {
			group.Go(func() {
				name, err := template(context.Background(), server, "once", migrate)
				if err != nil {
					t.Error(err)
					return
				}
				if !ask(t, create(t, server, name), "SELECT to_regclass('migrated') IS NOT NULL") {
					t.Error("clone without the table")
				}
			})
		}
		group.Wait()
		if runs.Load() != 1 {
			t.Errorf("migrated %d times", runs.Load())
		}
		must(t, execAll(server, "DROP DATABASE template_once"))
	})

	t.Run("IsMadeAnewAfterAFailure", func(t *testing.T) {
		t.Parallel()
		server := shared(t)
		broken := errors.New("broken migration")
		_, err := template(context.Background(), server, "failed", func(context.Context, string) error { return broken })
		if !errors.Is(err, broken) {
			t.Fatalf("got %v", err)
		}
		name, err := template(context.Background(), server, "failed", func(context.Context, string) error { return nil })
		must(t, err)
		must(t, execAll(server, "DROP DATABASE "+name))
	})

	t.Run("IsOneForEachDay", func(t *testing.T) {
		t.Parallel()
		day := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
		if a, b := schemaKey(day), schemaKey(day.Add(24*time.Hour)); a == b || a != schemaKey(day.Add(time.Hour)) {
			t.Errorf("%s and %s", a, b)
		}
	})
}

func TestServer(t *testing.T) {
	t.Parallel()

	t.Run("KeepsDataWhenStoppedAndKilled", func(t *testing.T) {
		t.Parallel()
		ctx, cancel := context.WithTimeout(context.Background(), limit)
		defer cancel()
		s := NewServer(t)
		must(t, execAll(s.DSN(), "INSERT INTO workspaces (id, name) VALUES ('kept', 'Kept')"))
		for _, end := range []func(context.Context) error{s.Stop, s.Kill} {
			must(t, end(ctx))
			if err := execAll(s.DSN()); err == nil {
				t.Fatal("still answers")
			}
			must(t, s.Start(ctx))
			if !ask(t, s.DSN(), "SELECT count(*) = 1 FROM workspaces WHERE id = 'kept'") {
				t.Error("lost a row")
			}
		}
	})

	t.Run("IsNotTheSharedOne", func(t *testing.T) {
		t.Parallel()
		if a, b := NewServer(t), NewServer(t); a.DSN() == b.DSN() || a.DSN() == shared(t) {
			t.Errorf("%s and %s", a.DSN(), b.DSN())
		}
	})
}

func BenchmarkNew(b *testing.B) {
	New(b) // the template is not part of it
	for b.Loop() {
		New(b)
	}
}
