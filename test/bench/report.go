package main

import (
	_ "embed"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// Goals of the whole system on a machine of 2 cores that also runs the posters
// and the receiver: latency at the steady rate and at half of the greatest, bytes of
// memory for a process of ours, of a core with nothing to do, and bytes of Redis.
const (
	goalP50     = 6 * time.Millisecond
	goalP99     = 20 * time.Millisecond
	goalHalfP99 = 100 * time.Millisecond
	goalMemory  = 100e6
	goalIdle    = 0.12
	goalQueued  = 200
	goalWaiting = 800
)

// goals are shares of the bare rate, by kind; cpuGoals µs of the whole system.
var (
	goals    = map[kind]float64{acceptKind: 0.30, singleKind: 0.20, batchKind: 0.35, wideKind: 0.50, widestKind: 0.55}
	cpuGoals = map[kind]float64{singleKind: 200, wideKind: 80}
)

// tried is written by hand, of the machine that the page was last written on.
//
//go:embed tried.md
var tried string

func (r *result) markdown() string {
	var b strings.Builder
	r.writeHead(&b)
	r.writeRates(&b)
	r.writeKeys(&b)
	if !r.options.partial() {
		r.writeLatency(&b)
		r.writeRest(&b)
	}
	r.writeCPU(&b)
	r.writeMemory(&b)
	r.writeChecks(&b)
	b.WriteString(tried)
	return b.String()
}

func (r *result) writeHead(b *strings.Builder) {
	m := r.machine
	fmt.Fprintf(b, `# Benchmarks

`+"`make bench`"+` writes this page. It runs the whole system on one machine: one API, one worker and one scheduler as
processes of their own with default settings (but `+"`egress.allow`"+` for loopback), a private Postgres that syncs every commit, a Redis
without persistence, and in one more process %d posters (closed loop, keep-alive) and the receiver, which share the cores with the
system under test. Take the shares: the bare rate is the same posters sending the same requests straight to the same receiver.

| | |
| --- | --- |
| machine | %d cores, %s, Linux %s |
| disk | %s, writing and syncing 8 KiB takes %s |
| software | Go %s, Postgres %s (%s), Redis %s (`+"`--save '' --appendonly no`"+`) |
| commit | %s, %s |
| load | data of %d bytes an event; fan-out 1: %d event types with one endpoint each, in turn; fan-out %d: all of %d endpoints match |
| runs | %d of each kind after a warm-up, in turn; median (least–most) |

`, r.options.posters, m.cores, m.cpu, m.kernel, m.filesystem, m.fsync.Round(time.Microsecond), m.golang, m.postgres,
		r.postgresSettings(), m.redis, m.commit, m.date.Format("2006-01-02"), payloadBytes, endpoints, endpoints, endpoints, r.options.runs)
}

// postgresSettings says in words how Postgres was configured.
func (r *result) postgresSettings() string {
	if len(r.options.settings) == 0 {
		return "initdb's settings, jit off"
	}
	return "initdb's settings, jit off, and " + r.options.settings.String()
}

func (r *result) writeRates(b *strings.Builder) {
	if r.options.output != "" {
		fmt.Fprintf(b, "![Shares of the bare rate](%s)\n\n", filepath.Base(chartFile(r.options.output)))
	}
	b.WriteString("| | events a run | a second | share of the bare rate | goal | share by CPU time |\n| --- | --- | --- | --- | --- | --- |\n")
	fmt.Fprintf(b, "| %s | %d | %s | | | |\n", bareKind.title(), r.bare.events, newSpread(r.bare.rates).format(0))
	for _, m := range r.measured {
		fmt.Fprintf(b, "| %s | %d | %s | %s | %s | %s |\n", m.kind.title(), m.events, newSpread(m.rates).format(0),
			newSpread(m.shares).format(3), m.kind.goal(), newSpread(m.cpuShares).format(3))
	}
	b.WriteString(`
Each run stands between two bare ones, and its share is that of their mean. The share by CPU time is what a bare request costs all
processes together, divided by what an event or delivery costs them: what the share would be if the cores were never idle and nobody
else's.

`)
}

func (k kind) goal() string {
	if goal, ok := goals[k]; ok {
		return fmt.Sprintf("%.2f", goal)
	}
	return ""
}

func (k kind) title() string {
	switch {
	case k.bare:
		return "bare POSTs"
	case k.keyed && k.fanout == 0:
		return "events accepted, nothing matches, each with an Idempotency-Key"
	case k.keyed:
		return fmt.Sprintf("deliveries at fan-out %d, each event with an Idempotency-Key", k.fanout)
	case k.fanout == 0:
		return "events accepted, nothing matches"
	case k.batch > 0:
		return fmt.Sprintf("deliveries at fan-out %d, published %d in a batch by a quarter of the posters", k.fanout, k.batch)
	default:
		return fmt.Sprintf("deliveries at fan-out %d, first post to last arrival", k.fanout)
	}
}

// writeKeys tells of each kind that has a key what it costs against the one
// before, which is the same without.
func (r *result) writeKeys(b *strings.Builder) {
	for i, m := range r.measured {
		if !m.kind.keyed {
			continue
		}
		without := r.measured[i-1]
		var slower, dearer []float64
		for n := range m.shares {
			slower = append(slower, 100*(1-m.shares[n]/without.shares[n]))
			dearer = append(dearer, 100*(without.cpuShares[n]/m.cpuShares[n]-1))
		}
		fmt.Fprintf(b, "An Idempotency-Key on each event, %s: %s %% fewer a second and %s %% more CPU time than without, each run against the one before it.\n\n",
			without.kind.title(), newSpread(slower).format(1), newSpread(dearer).format(1))
	}
}

func (r *result) writeLatency(b *strings.Builder) {
	fmt.Fprintf(b, "From before the event is posted to the receiver's handler, at a steady %d events/s for %s after the loads of each round, in ms: "+
		"p50 %s (goal %s), p99 %s (goal %s), max %s.\n\n",
		steadyRate, r.options.steady, inMilliseconds(r.latencies, func(l latency) time.Duration { return l.p50 }), goalP50,
		inMilliseconds(r.latencies, func(l latency) time.Duration { return l.p99 }), goalP99,
		inMilliseconds(r.latencies, func(l latency) time.Duration { return l.max }))
	fmt.Fprintf(b, "At half of the rate that fan-out 1 had just come to, for %s: p50 %s, p99 %s (goal %s), max %s.\n\n", r.options.steady/2,
		inMilliseconds(r.halves, func(l latency) time.Duration { return l.p50 }),
		inMilliseconds(r.halves, func(l latency) time.Duration { return l.p99 }), goalHalfP99,
		inMilliseconds(r.halves, func(l latency) time.Duration { return l.max }))
}

func (r *result) writeRest(b *strings.Builder) {
	fmt.Fprintf(b, "With nothing to do, after the start, the system uses %.1f %% of one core (goal %.0f %%). Redis holds %.0f bytes for a queued first attempt at fan-out %d (goal %d) and %.0f for a retry that waits (goal %d).\n\n",
		100*r.idle, 100*goalIdle, r.queued, wideKind.fanout, goalQueued, r.waiting, goalWaiting)
}

func (r *result) writeCPU(b *strings.Builder) {
	b.WriteString("CPU time in µs, for each request, event accepted or delivery made:\n\n|")
	all := append([]*measurement{r.bare}, r.measured...)
	rule := "| ---"
	for _, m := range all {
		fmt.Fprintf(b, " | %s", m.kind.column())
		rule += " | ---"
	}
	b.WriteString(" |\n" + rule + " |\n")
	for _, name := range measured {
		fmt.Fprintf(b, "| %s", name)
		for _, m := range all {
			fmt.Fprintf(b, " | %.0f", newSpread(column(m.cpu, name)).median)
		}
		b.WriteString(" |\n")
	}
	b.WriteString("| **the system**")
	for _, m := range all {
		var sums []float64
		for _, each := range m.cpu {
			sums = append(sums, system(each))
		}
		fmt.Fprintf(b, " | %.0f", newSpread(sums).median)
		if goal, ok := cpuGoals[m.kind]; ok {
			fmt.Fprintf(b, " (goal %.0f)", goal)
		}
	}
	b.WriteString(" |\n\nThe system is all but driver and receiver.\n\n")
}

func (k kind) column() string {
	switch {
	case k.bare:
		return "bare"
	case k.keyed && k.fanout == 0:
		return "accepted, with a key"
	case k.keyed:
		return fmt.Sprintf("fan-out %d, with a key", k.fanout)
	case k.fanout == 0:
		return "accepted"
	case k.batch > 0:
		return "in batches"
	default:
		return fmt.Sprintf("fan-out %d", k.fanout)
	}
}

func column(rows []map[string]float64, name string) []float64 {
	var out []float64
	for _, row := range rows {
		out = append(out, row[name])
	}
	return out
}

func (r *result) writeMemory(b *strings.Builder) {
	var parts []string
	for _, name := range measured {
		if n, ok := r.memory[name]; ok {
			parts = append(parts, fmt.Sprintf("%s %.0f MB", name, float64(n)/1e6))
		}
	}
	fmt.Fprintf(b, "Peak resident memory: %s (Postgres: its largest process, shared buffers included; goal %.0f MB for each of ours).\n\n",
		strings.Join(parts, ", "), goalMemory/1e6)
}

func (r *result) writeChecks(b *strings.Builder) {
	deliveries := 0
	for _, m := range r.measured {
		deliveries += m.events * m.kind.fanout * len(m.rates)
	}
	fmt.Fprintf(b, "Checked: of %d deliveries in these runs %s. After each run nothing was pending or failed in Postgres, no task was left in Redis, and the newest %d deliveries had one attempt each.\n",
		deliveries, r.faults, newest)
	for _, c := range slices.Sorted(slices.Values(r.complaints)) {
		fmt.Fprintf(b, "\n%s\n", c)
	}
}

// inMilliseconds is one figure of several runs.
func inMilliseconds(runs []latency, figure func(latency) time.Duration) string {
	var all []float64
	for _, l := range runs {
		all = append(all, float64(figure(l).Microseconds())/1000)
	}
	return newSpread(all).format(1)
}
