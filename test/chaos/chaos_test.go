package chaos

import (
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/postrider/postrider/test/e2e/stack"
)

// fault is something that goes wrong. strike does it and returns once it is
// over: from then on the system has to recover by itself.
type fault struct {
	key, name string
	times     int // how often it happens in one strike
	strike    func(t *testing.T, l *lab)
}

// catalogue is every fault but the kills. Those that are only run by their key
// take long.
func catalogue() []fault {
	return slices.Concat(stops(), redisFaults(), postgresFaults(), networkFaults(), chosenPoints(), []fault{orphans(), replayKilled()})
}

// plan is what the flags ask for.
func plan(t *testing.T) []fault {
	t.Helper()
	planned := killRounds(*kills)
	if *faults == "none" {
		return planned
	}
	known := append(catalogue(), backlog())
	for key := range strings.SplitSeq(*faults, ",") {
		if key == "all" {
			planned = append(planned, catalogue()...)
			continue
		}
		i := slices.IndexFunc(known, func(f fault) bool { return f.key == key })
		if i < 0 {
			t.Fatalf("there is no fault %q", key)
		}
		planned = append(planned, known[i])
	}
	return planned
}

func TestChaos(t *testing.T) {
	l := setup(t)
	var results []result
	for _, f := range plan(t) {
		results = append(results, l.round(t, f))
		l.write(t, results) // now, for the next one may be the last
	}
	t.Log("\n" + report(t, l, results))
	l.wantNothingLeft(t)
}

func (l *lab) write(t *testing.T, results []result) {
	t.Helper()
	if *output == "" {
		return
	}
	if err := os.WriteFile(*output, []byte(report(t, l, results)), 0o644); err != nil {
		t.Fatal(err)
	}
}

// wantNothingLeft checks what the rounds leave behind once all is delivered.
func (l *lab) wantNothingLeft(t *testing.T) {
	t.Helper()
	stack.Eventually(t, "no task is left in Redis", func() bool { return l.Tasks(t) == 0 })
}
