package telemetry

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
)

func well(context.Context) error { return nil }

func failing(message string) Check {
	return func(context.Context) error { return errors.New(message) }
}

// hanging ends only when its context does, as a query to a dead host would.
func hanging(ctx context.Context) error {
	<-ctx.Done()
	return context.Cause(ctx)
}

func ready(t *testing.T, c *Checks) (int, Report) {
	t.Helper()
	w := httptest.NewRecorder()
	ReadyHandler(c).ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/readyz", nil))
	var r Report
	if err := json.Unmarshal(w.Body.Bytes(), &r); err != nil {
		t.Fatalf("body %q: %v", w.Body, err)
	}
	return w.Code, r
}

func TestReadyz(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		setup func(*Checks)
		code  int
		want  Report
	}{
		"IsReadyWithoutChecks": {
			setup: func(*Checks) {},
			code:  http.StatusOK,
			want:  Report{Status: "ready", Checks: map[string]CheckResult{}},
		},
		"IsReadyWhenAllAreWell": {
			setup: func(c *Checks) { c.Require("postgres", well); c.Observe("redis", well) },
			code:  http.StatusOK,
			want:  Report{Status: "ready", Checks: map[string]CheckResult{"postgres": {Status: "ok"}, "redis": {Status: "ok"}}},
		},
		"IsNotReadyWhenARequiredCheckFails": {
			setup: func(c *Checks) { c.Require("postgres", failing("refused")); c.Observe("redis", well) },
			code:  http.StatusServiceUnavailable,
			want: Report{Status: "not_ready", Checks: map[string]CheckResult{
				"postgres": {Status: "failed", Error: "refused"}, "redis": {Status: "ok"}}},
		},
		"StaysReadyWhenAnObservedCheckFails": {
			setup: func(c *Checks) { c.Require("postgres", well); c.Observe("redis", failing("refused")) },
			code:  http.StatusOK,
			want: Report{Status: "ready", Checks: map[string]CheckResult{
				"postgres": {Status: "ok"}, "redis": {Status: "degraded", Error: "refused"}}},
		},
		"IsNotReadyWhileDrainingAndStillReportsChecks": {
			setup: func(c *Checks) { c.Require("postgres", well); c.SetDraining(); c.SetDraining() },
			code:  http.StatusServiceUnavailable,
			want:  Report{Status: "draining", Draining: true, Checks: map[string]CheckResult{"postgres": {Status: "ok"}}},
		},
		"DrainingWinsOverAFailure": {
			setup: func(c *Checks) { c.Require("postgres", failing("refused")); c.SetDraining() },
			code:  http.StatusServiceUnavailable,
			want: Report{Status: "draining", Draining: true, Checks: map[string]CheckResult{
				"postgres": {Status: "failed", Error: "refused"}}},
		},
		"LastCheckOfANameCounts": {
			setup: func(c *Checks) { c.Require("postgres", failing("refused")); c.Require("postgres", well) },
			code:  http.StatusOK,
			want:  Report{Status: "ready", Checks: map[string]CheckResult{"postgres": {Status: "ok"}}},
		},
		"HidesThePasswordInAnError": {
			setup: func(c *Checks) { c.Require("postgres", failing("dial postgres://app:hunter2@db/x: refused")) },
			code:  http.StatusServiceUnavailable,
			want: Report{Status: "not_ready", Checks: map[string]CheckResult{
				"postgres": {Status: "failed", Error: "dial postgres://***@db/x: refused"}}},
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			checks := NewChecks()
			tt.setup(checks)
			code, got := ready(t, checks)
			if code != tt.code {
				t.Errorf("status %d, want %d", code, tt.code)
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestReadyz_FollowsTheCheckAsItRecovers(t *testing.T) {
	t.Parallel()
	var down atomic.Bool
	checks := NewChecks()
	checks.Require("postgres", func(context.Context) error {
		if down.Load() {
			return errors.New("refused")
		}
		return nil
	})
	for _, isDown := range []bool{false, true, false} {
		down.Store(isDown)
		if _, got := ready(t, checks); got.Ready() == isDown {
			t.Errorf("down %t: report %+v", isDown, got)
		}
	}
}

func TestReport_RunsSlowChecksAtOnceAndStopsAfterTwoSeconds(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		checks := NewChecks()
		checks.Require("postgres", hanging)
		checks.Observe("redis", hanging)
		checks.Require("disk", func(context.Context) error { <-time.After(CheckTimeout - time.Millisecond); return nil })

		start := time.Now()
		got := checks.Report(t.Context())
		if took := time.Since(start); took != CheckTimeout {
			t.Errorf("took %s, want %s", took, CheckTimeout)
		}
		want := Report{Status: "not_ready", Checks: map[string]CheckResult{
			"postgres": {Status: "failed", Error: "no answer within 2s"},
			"redis":    {Status: "degraded", Error: "no answer within 2s"},
			"disk":     {Status: "ok"},
		}}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Error(diff)
		}
	})
}

func TestReport_JoinsACheckThatStillRuns(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var runs atomic.Int32
		release := make(chan struct{})
		checks := NewChecks()
		// It ignores its context, as no check should.
		checks.Require("stuck", func(context.Context) error { runs.Add(1); <-release; return nil })

		for range 3 {
			if got := checks.Report(t.Context()); got.Ready() {
				t.Errorf("report %+v while the check hangs", got)
			}
		}
		if n := runs.Load(); n != 1 {
			t.Errorf("ran %d times at once", n)
		}

		close(release)
		if err := checks.Wait(t.Context()); err != nil {
			t.Error(err)
		}
		if got := checks.Report(t.Context()); !got.Ready() || runs.Load() != 2 {
			t.Errorf("report %+v after %d runs, want a fresh one that is ready", got, runs.Load())
		}
	})
}

func TestReport_LeavesAJoinedCheckAloneWhenItsFirstReaderGoesAway(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		release := make(chan struct{})
		checks := NewChecks()
		checks.Require("slow", func(ctx context.Context) error {
			select {
			case <-release:
				return nil
			case <-ctx.Done():
				return ctx.Err()
			}
		})
		first, cancel := context.WithCancel(t.Context())
		go checks.Report(first)
		synctest.Wait()
		second := make(chan Report)
		go func() { second <- checks.Report(t.Context()) }()
		synctest.Wait()

		cancel()
		synctest.Wait()
		close(release)
		if got := <-second; !got.Ready() {
			t.Errorf("report %+v", got)
		}
	})
}

func TestWait_NamesTheCheckThatDoesNotEnd(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		release := make(chan struct{})
		checks := NewChecks()
		checks.Require("stuck", func(context.Context) error { <-release; return nil })
		checks.Report(t.Context())
		checks.Require("stuck", well) // replacing it does not forget its run

		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		err := checks.Wait(ctx)
		if want := "wait for check stuck: context deadline exceeded"; err == nil || err.Error() != want {
			t.Errorf("error %v, want %s", err, want)
		}
		close(release)
	})
}

func TestDrainIsSeenAtOnce(t *testing.T) {
	t.Parallel()
	c := NewChecks()
	select {
	case <-c.Drain():
		t.Fatal("it drains from the start")
	default:
	}
	c.SetDraining()
	c.SetDraining() // once more changes nothing
	<-c.Drain()
}
