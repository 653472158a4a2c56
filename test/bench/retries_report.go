package main

import (
	"fmt"
	"strings"
)

// goalRetries is how many times as long the p99 of live deliveries may be while
// retries go out.
const goalRetries = 1.5

func (r *retries) markdown() string {
	var b strings.Builder
	m := r.machine
	fmt.Fprintf(&b, `# Due retries, measured

`+"`make bench-retries`"+` writes this page: what %d retries that are due at once do to live deliveries. Everything runs on one machine: one API, one
worker and one scheduler with default settings, a private Postgres that syncs every commit, Redis, the publisher and the receiver.

The retries are deliveries of a workspace's events, %d to an event of %d bytes of data and as many endpoints, whose first attempt was answered 503; they wait in
Postgres alone. They are put there before anything is measured, by the statements of the API and the worker, due a day later. Then the live load runs: events of the same
workspace for other endpoints of the same receiver, %s at each of the rates in turn. Then the scheduler is stopped, one UPDATE makes all retries due, VACUUM
and CHECKPOINT do what they would have done in the hours of waiting, and the scheduler is started. The live load goes on until the last retry has arrived at the receiver, which
answers 200 now. The times are from before the event is posted to the receiver's handler.

| | |
| --- | --- |
| machine | %d cores, %s, Linux %s |
| software | Go %s, Postgres %s, Redis %s |
| commit | %s, %s |

`, r.due, retryKind.fanout, payloadBytes, r.window, m.cores, m.cpu, m.kernel, m.golang, m.postgres, m.redis, m.commit, m.date.Format("2006-01-02"))
	r.writeLive(&b)
	fmt.Fprintf(&b, "\n%d retries went out in %.1f s from the scheduler's start: %.0f a second.\n\n", r.due, r.took.Seconds(), float64(r.due)/r.took.Seconds())
	fmt.Fprintf(&b, "Checked: of the retries and the live deliveries %d lost, %d duplicates, %d with another number than that of the next attempt, %d that nobody sent. "+
		"Of %d retries in Postgres %d are successes of their second attempt, and nothing was pending at the end.\n",
		r.faults.lost, r.faults.duplicates, r.faults.retries, r.faults.strays, r.stored, r.succeeded)
	return b.String()
}

func (r *retries) writeLive(b *strings.Builder) {
	fmt.Fprintf(b, "| live events/s | retries | events | p50, ms | p99, ms | max, ms | p99 against before (goal %.1f) |\n| --- | --- | --- | --- | --- | --- | --- |\n", goalRetries)
	for _, live := range r.loads {
		before, during := latencyOf(live.before), latencyOf(live.during)
		fmt.Fprintf(b, "| %.0f | not due | %d | %s | |\n", live.rate, len(live.before), before.cells())
		if len(live.during) == 0 { // they were too few
			continue
		}
		fmt.Fprintf(b, "| %.0f | go out | %d | %s | %.2f |\n", live.rate, len(live.during), during.cells(), during.p99.Seconds()/before.p99.Seconds())
	}
}

func (l latency) cells() string {
	return fmt.Sprintf("%.1f | %.1f | %.1f", milliseconds(l.p50), milliseconds(l.p99), milliseconds(l.max))
}

// verdict implements report.
func (r *retries) verdict() error {
	if r.stored != r.due || r.succeeded != r.due {
		return fmt.Errorf("of %d retries %d are in postgres and %d succeeded by their second attempt", r.due, r.stored, r.succeeded)
	}
	return r.faults.verdict()
}
