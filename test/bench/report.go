package main

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// Goals of the whole system on a machine of 2 cores that also runs the posters
// and the receiver: shares of the bare rate, latency at the steady rate, and
// bytes of memory for a process of ours.
const (
	goalSingle = 0.15
	goalWide   = 0.35
	goalP50    = 10 * time.Millisecond
	goalP99    = 50 * time.Millisecond
	goalMemory = 150e6
)

func (r *result) markdown() string {
	var b strings.Builder
	r.writeHead(&b)
	r.writeRates(&b)
	r.writeKeys(&b)
	if !r.options.keys {
		r.writeLatency(&b)
	}
	r.writeCPU(&b)
	r.writeMemory(&b)
	r.writeChecks(&b)
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
	switch k {
	case singleKind:
		return fmt.Sprint(goalSingle)
	case wideKind:
		return fmt.Sprint(goalWide)
	default:
		return ""
	}
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
		steadyRate, r.options.steady, r.latency(func(l latency) time.Duration { return l.p50 }), goalP50,
		r.latency(func(l latency) time.Duration { return l.p99 }), goalP99,
		r.latency(func(l latency) time.Duration { return l.max }))
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
	b.WriteString("\n")
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

// latency is one figure of the steady runs, in milliseconds.
func (r *result) latency(figure func(latency) time.Duration) string {
	var all []float64
	for _, l := range r.latencies {
		all = append(all, float64(figure(l).Microseconds())/1000)
	}
	return newSpread(all).format(1)
}
