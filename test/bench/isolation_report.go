package main

import (
	"fmt"
	"strings"
)

// goalRatio is how much slower healthy endpoints may become by sick ones.
const goalRatio = 2.0

func (r *isolation) markdown() string {
	var b strings.Builder
	m := r.machine
	fmt.Fprintf(&b, `# Isolation

`+"`make bench-isolation`"+` writes this page: what half of the endpoints being sick does to the other half. One API, one worker and one
scheduler with default settings, a private Postgres that syncs every commit, Redis, the publisher and the receivers share one machine.
%d deliveries/s are published for %d s (after %d s that don't count); each event goes to %d endpoints, every second of which is sick, so
that each task carries both. The times are from before the event is posted to the healthy receiver's handler.

| | |
| --- | --- |
| machine | %d cores, %s, Linux %s |
| software | Go %s, Postgres %s, Redis %s |
| commit | %s, %s |
| rounds | %d of all trials in turn, after one that does not count, each after a checkpoint; medians (least–most), the comparison within each round |

| endpoints | the sick half | p50, ms | p99, ms | max, ms | p99 against nobody sick (goal: under %.0f) | lost | twice | requests the sick held at most |
| --- | --- | --- | --- | --- | --- | --- | --- | --- |
`, isolationRate, r.seconds, warmSeconds, groupSize, m.cores, m.cpu, m.kernel, m.golang, m.postgres, m.redis,
		m.commit, m.date.Format("2006-01-02"), r.rounds, goalRatio)
	for _, t := range r.trials {
		ratio := ""
		if t.without != nil {
			ratio = fmt.Sprintf("%.2f", t.with.slower(t.without))
		}
		fmt.Fprintf(&b, "| %d | %s | %s | %s | %d | %d | %d |\n", t.endpoints, t.illness.title(), t.with.cells(), ratio, t.lost, t.twice, t.mostSick)
	}
	b.WriteString("\nA worker has 512 slots (worker.concurrency); those that are not quick share at most half of them.\n")
	r.writeNoises(&b)
	return b.String()
}

// verdict is about healthy endpoints only.
func (r *isolation) verdict() error {
	for _, t := range r.trials {
		if t.lost != 0 || t.twice != 0 {
			return fmt.Errorf("%d endpoints, half of them: %s: %d deliveries to healthy ones lost and %d twice", t.endpoints, t.illness.title(), t.lost, t.twice)
		}
	}
	for _, n := range r.noises {
		if n.lost != 0 || n.twice != 0 {
			return fmt.Errorf("%s: %d deliveries of the quiet workspace lost and %d twice", n.title, n.lost, n.twice)
		}
	}
	return nil
}

func (r *isolation) writeNoises(b *strings.Builder) {
	fmt.Fprintf(b, `
One workspace publishes %d events/s, each to one endpoint, for %d s, and another one beside it. "Accepted" is from the post to the
API's answer, so what of a delivery's time is in it went into waiting for the group writer and for Postgres to sync its commit.
"Straight" is a request from the publisher to the receiver itself at the same times: what publisher and receivers, which share the
cores with everything else, make of it by themselves.

| meanwhile | p50, ms | p99, ms | max, ms | p99 against alone | accepted, p99, ms | straight, p99, ms | lost | twice |
| --- | --- | --- | --- | --- | --- | --- | --- | --- |
`, quietRate, r.seconds)
	for _, n := range r.noises {
		fmt.Fprintf(b, "| %s | %s | %.2f | %.1f | %.1f | %d | %d |\n", n.title, n.delivered.cells(), n.delivered.slower(&r.noises[0].delivered),
			newSpread(n.accepted.p99).median, newSpread(n.bare.p99).median, n.lost, n.twice)
	}
}
