// Package operate runs Postrider under Debian's Prometheus and holds dashboards,
// rules and docs to what there is to see.
package operate

import (
	"context"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/postrider/postrider/internal/pgtest"
	"github.com/postrider/postrider/test/e2e/stack"
)

func TestMain(m *testing.M) { stack.Main(m) }

// TestMonitoring: with everything happening that Postrider is built for, each panel
// and each recording rule shows something, and nothing names a metric or a label that
// there is not.
func TestMonitoring(t *testing.T) {
	t.Parallel()
	postgresURL := pgtest.New(t)
	s := stack.On(t, postgresURL)
	// A breaker that opens at once, and one endpoint less than there are shown by name.
	s.Env = append(s.Env, "POSTRIDER_BREAKER_FAILURES=5", "POSTRIDER_BREAKER_WINDOW=0s", "POSTRIDER_METRICS_ENDPOINTS=3",
		"POSTRIDER_POSTGRES_REPLICA_URL=postgres://"+stack.FreeAddr(t)+"/nobody") // whose figures are there nevertheless
	api, worker, scheduler := s.Launch(t, "api"), s.Launch(t, "worker"), s.Launch(t, "scheduler")
	for _, p := range []*stack.Process{api, worker, scheduler} {
		wantAllFromTheStart(t, s, p)
	}
	for _, p := range []*stack.Process{api, worker, scheduler} {
		s.WaitReady(t, p)
	}
	prom := startPrometheus(t, s, api, worker, scheduler)
	tr := newTraffic(t, s, api)
	ctx, stop := context.WithCancel(t.Context())
	var running sync.WaitGroup
	running.Go(func() { tr.keepUp(ctx) })
	t.Cleanup(func() { stop(); running.Wait() })

	recording, alerts := readRules(t)
	panels := readPanels(t)
	t.Run("EveryPanelShowsSomething", func(t *testing.T) {
		waiting := panels
		wantEmpty(t, &waiting, func(q panelQuery) bool { return prom.shows(t, q.expr) })
	})
	t.Run("EveryRecordingRuleRecordsSomething", func(t *testing.T) {
		waiting := recording
		wantEmpty(t, &waiting, func(r rule) bool { return prom.shows(t, r.Record) })
	})
	t.Run("NothingIsUnknown", func(t *testing.T) {
		n := newNames(t, prom)
		for _, q := range panels {
			if unknown := n.check(t, q.expr, q.legend); len(unknown) > 0 {
				t.Errorf("%s: there is no %s", q.where, strings.Join(unknown, ", nor "))
			}
		}
		for _, r := range slices.Concat(recording, alerts) {
			if unknown := n.check(t, r.Expr, r.Annotations["description"]); len(unknown) > 0 {
				t.Errorf("%s%s: there is no %s", r.Record, r.Alert, strings.Join(unknown, ", nor "))
			}
		}
	})
	t.Run("RunbooksCanBeFollowed", func(t *testing.T) { wantRunbooksToWork(t, prom, postgresURL) })
	t.Run("EveryRuleCanBeEvaluated", func(t *testing.T) { wantHealthyRules(t, prom, len(recording)+len(alerts)) })
	t.Run("ExemplarsNameDeliveries", func(t *testing.T) {
		for _, name := range []string{"attempt_duration", "first_attempt_delay", "success_delay"} {
			wantExemplars(t, prom, tr, "postrider_deliver_"+name+"_seconds_bucket")
		}
	})
	t.Run("FailuresShow", func(t *testing.T) {
		for _, expr := range []string{
			`postrider_deliver_attempts_total{error_class="status"} > 0`, `postrider_deliver_attempts_total{error_class="timeout"} > 0`,
			`postrider_deliver_attempts_total{error_class="refused"} > 0`, `postrider_fleet_breakers{state="open"} > 0`,
			`postrider_fleet_held_deliveries{reason="breaker_open"} > 0`, `postrider_deliver_held_deliveries_total{reason="rate_limit"} > 0`,
			`postrider_recovery_replayed_deliveries_total > 0`, `postrider_fleet_endpoints{state="disabled"} == 1`,
			`postrider_fleet_workers == 1`, `postrider_ingest_invalid_events_total{validation="warn"} > 0`,
		} {
			stack.Eventually(t, expr, func() bool { return prom.shows(t, expr) })
		}
	})
}

// wantAllFromTheStart scrapes a process as soon as it answers.
func wantAllFromTheStart(t *testing.T, s *stack.Stack, p *stack.Process) {
	t.Helper()
	var text string
	stack.Eventually(t, p.Name+" has metrics", func() bool {
		text = s.Metrics(t, p)
		return text != ""
	})
	var ours strings.Builder
	seen := map[string]bool{}
	for line := range strings.Lines(text) {
		if strings.Contains(line, "postrider_") {
			ours.WriteString(line)
		}
		if name, _, _ := strings.Cut(strings.Replace(line, "{", " ", 1), " "); name != "" {
			seen[suffixes.ReplaceAllString(name, "")], seen[name] = true, true
		}
	}
	for name, roles := range documented(t) {
		if slices.Contains(roles, p.Name) && !seen[name] {
			t.Errorf("%s has no %s from its start", p.Name, name)
		}
	}
	promtool(t, ours.String(), "check", "metrics")
}

// wantEmpty waits until everything that waits has shown.
func wantEmpty[T any](t *testing.T, waiting *[]T, shows func(T) bool) {
	t.Helper()
	defer func() {
		for _, w := range *waiting {
			t.Errorf("shows nothing: %+v", w)
		}
	}()
	stack.Eventually(t, "everything shows something", func() bool {
		*waiting = slices.DeleteFunc(slices.Clone(*waiting), shows)
		return len(*waiting) == 0
	})
}

func wantHealthyRules(t *testing.T, p *prometheus, want int) {
	t.Helper()
	var answer struct {
		Groups []struct {
			Rules []struct{ Name, Health, LastError string }
		}
	}
	p.must(t, "/api/v1/rules", nil, &answer)
	n := 0
	for _, g := range answer.Groups {
		for _, r := range g.Rules {
			n++
			if r.Health != "ok" {
				t.Errorf("%s is %s: %s", r.Name, r.Health, r.LastError)
			}
		}
	}
	if n != want {
		t.Errorf("Prometheus has %d rules, want %d", n, want)
	}
}

// wantExemplars: a bucket's exemplar is a delivery that the API knows.
func wantExemplars(t *testing.T, p *prometheus, tr *traffic, series string) {
	t.Helper()
	var answer []struct {
		Exemplars []struct{ Labels map[string]string }
	}
	p.must(t, "/api/v1/query_exemplars", url.Values{"query": {series}, "start": {"0"}, "end": {"9999999999"}}, &answer)
	if len(answer) == 0 || len(answer[0].Exemplars) == 0 {
		t.Errorf("%s has no exemplars", series)
		return
	}
	id := answer[0].Exemplars[0].Labels["delivery_id"]
	if len(tr.client.Attempts(t, id)) == 0 {
		t.Errorf("%s: the delivery %q has no attempts", series, id)
	}
}
