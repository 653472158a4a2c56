package pgstore

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/postrider/postrider/idempotency"
	"github.com/postrider/postrider/idempotency/internal/storetest"
	"github.com/postrider/postrider/internal/pgtest"
)

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// setup is a store in a database of its own, which has a table of effects as well.
func setup(t *testing.T, cfg Config) (*Store, *pgxpool.Pool) {
	t.Helper()
	pool, err := pgxpool.New(t.Context(), pgtest.Empty(t))
	must(t, err)
	t.Cleanup(pool.Close)
	s := New(pool, cfg)
	must(t, s.Create(t.Context()))
	must(t, s.Create(t.Context())) // as each process does at its start
	_, err = pool.Exec(t.Context(), "CREATE TABLE effects (key text)")
	must(t, err)
	return s, pool
}

func TestStore(t *testing.T) {
	t.Parallel()
	s, _ := setup(t, Config{})
	storetest.Run(t, s)
}

func TestTable(t *testing.T) {
	t.Parallel()
	s, pool := setup(t, Config{})
	_, err := pool.Exec(t.Context(), `CREATE SCHEMA "Mine"`)
	must(t, err)
	other := New(pool, Config{Table: `Mine.it"s`})
	must(t, other.Create(t.Context()))
	for _, s := range []*Store{s, other} {
		if first, err := s.Claim(t.Context(), "key", time.Hour); !first || err != nil {
			t.Errorf("%s: %t, %v", s.table, first, err)
		}
	}
	var keys, indexes int
	must(t, pool.QueryRow(t.Context(), `SELECT count(*) FROM "Mine"."it""s"`).Scan(&keys))
	must(t, pool.QueryRow(t.Context(), `SELECT count(*) FROM pg_indexes WHERE indexdef LIKE '%(expires_at)'`).Scan(&indexes))
	if keys != 1 || indexes != 2 {
		t.Errorf("%d keys, %d indexes", keys, indexes)
	}
}

func TestPrune(t *testing.T) {
	t.Parallel()
	s, pool := setup(t, Config{})
	_, err := pool.Exec(t.Context(), s.sql(`INSERT INTO {table} SELECT 'old' || n, '', true, now() - interval '1 s' FROM generate_series(1, $1) n`), 2*pruneBatch+1)
	must(t, err)
	must(t, s.Commit(t.Context(), "kept", time.Hour))
	if n, err := s.Prune(t.Context()); n != 2*pruneBatch+1 || err != nil {
		t.Errorf("deleted %d, %v", n, err)
	}
	if _, state, err := s.Begin(t.Context(), "kept", time.Hour); state != idempotency.Done || err != nil {
		t.Errorf("what is kept is %s, %v", state, err)
	}
}

func TestWithoutItsTable(t *testing.T) {
	t.Parallel()
	s, pool := setup(t, Config{})
	_, err := pool.Exec(t.Context(), s.sql("DROP TABLE {table}"))
	must(t, err)
	if _, state, err := s.Begin(t.Context(), "key", time.Hour); err == nil || state != 0 {
		t.Errorf("begin: %s, %v", state, err)
	}
	if s.Commit(t.Context(), "key", time.Hour) == nil || s.Release(t.Context(), "key", "token") == nil {
		t.Error("no error")
	}
	if _, err := s.Prune(t.Context()); err == nil {
		t.Error("prune: no error")
	}
}

// effect does something once, in a transaction that ends with end's error.
func effect(ctx context.Context, s *Store, pool *pgxpool.Pool, key string, end error) (first bool, err error) {
	err = pgx.BeginFunc(ctx, pool, func(tx pgx.Tx) error {
		if first, err = s.OnceTx(ctx, tx, key, 0); err != nil || !first {
			return err
		}
		if _, err := tx.Exec(ctx, "INSERT INTO effects VALUES ($1)", key); err != nil {
			return fmt.Errorf("insert: %w", err)
		}
		return end
	})
	return first, err
}

func effects(t *testing.T, pool *pgxpool.Pool) (n int) {
	t.Helper()
	must(t, pool.QueryRow(t.Context(), "SELECT count(*) FROM effects").Scan(&n))
	return n
}

func TestOnceTx(t *testing.T) {
	t.Parallel()

	t.Run("CommitsTheMarkWithTheEffect", func(t *testing.T) {
		t.Parallel()
		s, pool := setup(t, Config{})
		for i := range 3 {
			if first, err := effect(t.Context(), s, pool, "key", nil); first != (i == 0) || err != nil {
				t.Errorf("%d: %t, %v", i, first, err)
			}
		}
		if n := effects(t, pool); n != 1 {
			t.Errorf("%d effects", n)
		}
	})

	t.Run("RollsTheMarkBackWithTheEffect", func(t *testing.T) {
		t.Parallel()
		s, pool := setup(t, Config{})
		crash := errors.New("crash")
		for range 2 {
			if first, err := effect(t.Context(), s, pool, "key", crash); !first || !errors.Is(err, crash) {
				t.Errorf("%t, %v", first, err)
			}
		}
		if n := effects(t, pool); n != 0 {
			t.Errorf("%d effects", n)
		}
		if first, err := effect(t.Context(), s, pool, "key", nil); !first || err != nil {
			t.Errorf("%t, %v", first, err)
		}
	})

	t.Run("OfManyAtOnceOneTakesEffect", func(t *testing.T) {
		t.Parallel()
		s, pool := setup(t, Config{})
		var group sync.WaitGroup
		for i := range 12 {
			group.Go(func() {
				var end error
				if i%3 == 0 {
					end = pgx.ErrTxClosed // some fail: the next one goes on
				}
				if _, err := effect(t.Context(), s, pool, "key", end); err != nil && !errors.Is(err, end) {
					t.Error(err)
				}
			})
		}
		group.Wait()
		if n := effects(t, pool); n != 1 {
			t.Errorf("%d effects", n)
		}
	})

	t.Run("WorksBehindBegin", func(t *testing.T) {
		t.Parallel()
		s, pool := setup(t, Config{})
		if _, state, err := s.Begin(t.Context(), "key", time.Hour); state != idempotency.Claimed || err != nil {
			t.Fatalf("%s, %v", state, err)
		}
		if first, err := effect(t.Context(), s, pool, "key", nil); !first || err != nil {
			t.Errorf("%t, %v", first, err)
		}
	})

	t.Run("IsForgottenInTheEnd", func(t *testing.T) {
		t.Parallel()
		s, pool := setup(t, Config{})
		_, err := pool.Exec(t.Context(), s.sql("INSERT INTO {table} VALUES ($1, '', true, now() - interval '1 s')"), txPrefix+"key")
		must(t, err)
		if first, err := effect(t.Context(), s, pool, "key", nil); !first || err != nil {
			t.Errorf("%t, %v", first, err)
		}
		var days float64
		var done bool
		must(t, pool.QueryRow(t.Context(), s.sql("SELECT round(extract(epoch FROM expires_at - now()) / 86400), done FROM {table}")).Scan(&days, &done))
		if days != idempotency.DefaultKeep.Hours()/24 || !done {
			t.Errorf("kept for %v days, done is %t", days, done)
		}
	})
}
