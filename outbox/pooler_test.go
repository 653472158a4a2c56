package outbox

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/postrider/postrider/internal/pgtest"
	"github.com/postrider/postrider/test/e2e/stack"
)

// pooled is a database with an outbox, and a pool that leads through PgBouncer to it.
func pooled(t *testing.T) (direct string, pool *pgxpool.Pool) {
	t.Helper()
	direct = pgtest.Empty(t)
	must(t, Migrate(t.Context(), open(t, direct)))
	through := pgtest.NewPooler(t, direct, map[string]string{"default_pool_size": "2"}).Through(direct)
	cfg, err := pgxpool.ParseConfig(through)
	must(t, err)
	cfg.ConnConfig.DefaultQueryExecMode = pgx.QueryExecModeCacheDescribe
	pool, err = pgxpool.NewWithConfig(t.Context(), cfg)
	must(t, err)
	t.Cleanup(pool.Close)
	return direct, pool
}

func TestRelayThroughPgBouncer(t *testing.T) {
	t.Parallel()

	t.Run("IsWokenByACommitWhereItListensPastIt", func(t *testing.T) {
		t.Parallel()
		direct, pool := pooled(t)
		to := newAPI()
		run(t, pool, to, Config{Poll: time.Hour, Lease: time.Minute, ListenURL: direct})
		waitListening(t, pool)
		for i := range 3 { // nothing but a notification brings these: the next poll is in an hour
			commit(t, pool, fmt.Sprint(i))
			<-to.arrived
			waitEmpty(t, pool)
		}
	})

	t.Run("PollsAndSaysWhyWhereItCanNotListen", func(t *testing.T) {
		t.Parallel()
		direct, pool := pooled(t)
		to, said := newAPI(), newLog()
		run(t, pool, to, Config{Poll: 10 * time.Millisecond, Logger: said.logger()})
		for i := range 20 {
			commit(t, pool, fmt.Sprint(i))
		}
		waitEmpty(t, pool)
		stack.Eventually(t, "it says what to set", func() bool { return strings.Contains(said.String(), "set ListenURL") })
		if stack.Ask[bool](t, direct, "SELECT EXISTS (SELECT FROM pg_stat_activity WHERE datname = current_database() AND query LIKE 'LISTEN %')") {
			t.Error("a session that others get next listens")
		}
	})

	t.Run("RefusesAURLThatCanNotBeOne", func(t *testing.T) {
		t.Parallel()
		err := NewRelay(setup(t), newAPI(), Config{ListenURL: "postgres://%"}).Run(t.Context())
		if err == nil || !strings.Contains(err.Error(), "ListenURL") {
			t.Errorf("got %v", err)
		}
	})
}
