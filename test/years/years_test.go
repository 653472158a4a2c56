package years

import (
	"fmt"
	"os"
	"os/signal"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/postrider/postrider/test/e2e/stack"
)

// smaller is how many times as many rows the full database has. The small one is what
// the full one is held to: empty but for what fills a page of each list, since an empty
// page would be compared with a full one.
const smaller = 100

// TestYears has the machine to itself, as far as anybody has.
func TestYears(t *testing.T) {
	if *deliveries == 0 {
		t.Skip("make years runs it")
	}
	base := place(t)
	if *keep {
		s := newSide(t, "full", base, *deliveries)
		s.wait(t)
		return
	}
	b := both{full: newSide(t, "full", base, *deliveries), small: newSide(t, "small", base, *deliveries/smaller)}
	r := &report{both: b, machine: describe(t, b.full), sizes: b.full.sizes(t), smallSizes: b.small.sizes(t)}
	t.Logf("full: %s\nsmall: %s", r.sizes, r.smallSizes)
	r.counts, r.smallCounts = ask[string](t, b.full, countsSQL), ask[string](t, b.small, countsSQL)
	for _, s := range []*side{b.full, b.small} {
		s.prepare(t)
		defer s.dispose(t)
	}
	for _, part := range []struct {
		name    string
		measure func()
	}{
		{"reads", func() { r.reads = b.reads(t) }},
		{"console", func() { r.console = b.full.console(t, stack.AdminKey) }},
		{"publish", func() { r.publish = b.publish(t) }},
		{"retention", func() { r.drops = b.retention(t) }},
		{"scheduler", func() { r.scheduler = b.scheduler(t) }},
	} {
		if wanted(part.name) {
			part.measure()
			r.write(t) // what is measured is not lost with what comes after it
		}
	}
	t.Log("\n" + r.markdown())
}

func (r *report) write(t *testing.T) {
	t.Helper()
	if *output != "" {
		must(t, os.WriteFile(*output, []byte(r.markdown()), 0o644))
	}
}

// countsSQL says in words what is loaded, by the planner's statistics.
const countsSQL = `SELECT string_agg(n || ' ' || name || ' (' || least || ' to ' || most || ' a day)', ', ') FROM (
	SELECT t.name, to_char(sum(c.reltuples), 'FM999,999,999') AS n, to_char(min(c.reltuples), 'FM999,999,999') AS least, to_char(max(c.reltuples), 'FM999,999,999') AS most
	FROM unnest(ARRAY['events', 'deliveries', 'attempts']) WITH ORDINALITY t (name, place)
	CROSS JOIN LATERAL pg_partition_tree(t.name::regclass) p JOIN pg_class c ON c.oid = p.relid
	WHERE p.isleaf AND c.reltuples > 0 GROUP BY t.name, t.place ORDER BY t.place) x`

func wanted(part string) bool {
	return *only == "" || slices.Contains(strings.Split(*only, ","), part)
}

// wait says where everything is, until somebody interrupts it.
func (s *side) wait(t *testing.T) {
	t.Helper()
	interrupted := make(chan os.Signal, 1)
	signal.Notify(interrupted, os.Interrupt, syscall.SIGTERM)
	defer signal.Stop(interrupted)
	fmt.Fprintf(os.Stderr, `
%s: %s
console and API  %s/console/
metrics          API %s/metrics, worker %s/metrics, scheduler %s/metrics
admin key        %s
key of %q       %s
Postgres         %s
Redis            redis://%s/0
Interrupt to stop.
`, s.name, s.sizes(t), s.api.URL, s.api.Health, s.worker.Health, s.scheduler.Health, stack.AdminKey, big, s.c.Key(), s.url, s.Redis.Addr())
	<-interrupted
}
