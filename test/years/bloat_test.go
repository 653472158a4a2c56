package years

import (
	"context"
	_ "embed"
	"fmt"
	"path/filepath"
	"testing"
	"time"

	"github.com/postrider/postrider/internal/postgres"
	"github.com/postrider/postrider/internal/recovery/turns"
	"github.com/postrider/postrider/test/e2e/stack"
)

var (
	//go:embed sql/accept.sql
	acceptSQL string
	//go:embed sql/fail.sql
	failSQL string
	//go:embed sql/feed.sql
	feedSQL string
	//go:embed sql/succeed.sql
	succeedSQL string
)

const (
	// bloatBatch is how many deliveries go through their life at once, and changes how
	// often each is updated: a failure, feed's task, a success.
	bloatBatch = 2000
	changes    = 3
)

// bloat is what a day's deliveries looked like after so many updates.
type bloat struct {
	updates, dead, vacuums int
	table, indexes         int64   // bytes
	feed                   float64 // a round of feed that finds nothing, ms
}

// TestBloat updates a day's deliveries as a busy day does, once by the settings that a
// new day has and once by Postgres's defaults, and tells how large the day has become
// against what is in it.
func TestBloat(t *testing.T) {
	if *updates == 0 {
		t.Skip("go test ./test/years -run TestBloat -updates 10000000 runs it")
	}
	for _, name := range []string{"ours", "defaults"} {
		s := newBare(t, name)
		day := time.Now().UTC().Format("20060102")
		if name == "defaults" {
			_, err := s.conn.Exec(t.Context(), "ALTER TABLE deliveries_p"+day+" RESET (autovacuum_vacuum_scale_factor, autovacuum_vacuum_cost_limit)")
			must(t, err)
		}
		began := time.Now()
		for n := 1; n*bloatBatch*changes <= *updates; n++ {
			s.live(t, n)
			if every := max(*updates/10/bloatBatch/changes, 1); n%every == 0 {
				t.Logf("%s, %s: %s", name, time.Since(began).Round(time.Second), s.bloat(t, n*bloatBatch*changes))
			}
		}
		_, err := s.conn.Exec(t.Context(), "VACUUM FULL deliveries_p"+day)
		must(t, err)
		t.Logf("%s: %s would be enough", name, s.bloat(t, *updates))
	}
}

// newBare is a side without programs.
func newBare(t *testing.T, name string) *side {
	t.Helper()
	s := &side{name: name}
	s.start(t, filepath.Join(place(t), "bloat-"+name), map[string]string{"shared_buffers": "1GB", "max_wal_size": "8GB", "synchronous_commit": "off"})
	s.Stack = stack.On(t, s.url)
	migrate := stack.Spawn(t, "migrate", s.Dir, s.Env, s.Program(t, "postrider"), "migrate", "up")
	if code := migrate.ExitCode(t); code != 0 {
		t.Fatalf("migrate up: exit code %d: %s", code, migrate.Said(t))
	}
	s.connect(t)
	must(t, s.db.EnsurePartitions(t.Context(), time.Now(), 2))
	return s
}

// live lets the n-th batch be accepted, fail, be fed and succeed.
func (s *side) live(t *testing.T, n int) {
	t.Helper()
	lo := bound(time.Now().UTC().Truncate(day).Add(time.Duration(n) * time.Millisecond))
	hi := bound(time.Now().UTC().Truncate(day).Add(time.Duration(n+1) * time.Millisecond))
	for _, st := range []struct {
		sql  string
		args []any
	}{{acceptSQL, []any{lo, bloatBatch}}, {failSQL, []any{lo, hi}}, {feedSQL, []any{lo, hi}}, {succeedSQL, []any{lo, hi}}} {
		_, err := s.conn.Exec(t.Context(), st.sql, st.args...)
		must(t, err)
	}
}

func (s *side) bloat(t *testing.T, updates int) (b bloat) {
	t.Helper()
	b.updates = updates
	must(t, s.conn.QueryRow(t.Context(), `SELECT c.n_dead_tup, c.autovacuum_count, pg_relation_size(c.relid), pg_indexes_size(c.relid)
		FROM pg_stat_user_tables c WHERE c.relname = 'deliveries_p' || to_char(now() AT TIME ZONE 'UTC', 'YYYYMMDD')`).Scan(&b.dead, &b.vacuums, &b.table, &b.indexes))
	var all []float64
	for range 10 {
		began := time.Now()
		_, _, err := postgres.NewFeed(s.db).Claim(context.Background(), turns.Room{}, time.Now())
		must(t, err)
		all = append(all, milliseconds(time.Since(began)))
	}
	b.feed = median(all)
	return b
}

func (b bloat) String() string {
	return fmt.Sprintf("%d updates: table %d MB, indexes %d MB, %d dead, %d autovacuums, feed %.2f ms", b.updates, b.table>>20, b.indexes>>20, b.dead, b.vacuums, b.feed)
}
