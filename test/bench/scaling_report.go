package main

import (
	"fmt"
	"strings"
)

func (r *scaling) markdown() string {
	var b strings.Builder
	m := r.machine
	fmt.Fprintf(&b, `# Scaling, measured

`+"`make bench-scaling`"+` writes this page: how much more is delivered by more workers, and by which process a core is used up. Everything runs on one
machine: one API, workers with `+"`worker.concurrency: %d`"+`, one scheduler, a private Postgres that syncs every commit, Redis, %d posters (closed loop) and the
receiver. What it comes to for larger machines is in [scaling](scaling.md).

| | |
| --- | --- |
| machine | %d cores, %s, Linux %s |
| software | Go %s, Postgres %s, Redis %s |
| commit | %s, %s |
| rounds | %d of all in turn; medians (least–most); × is against the first line in the same round |

`, scalingSlots, defaultPosters, m.cores, m.cpu, m.kernel, m.golang, m.postgres, m.redis, m.commit, m.date.Format("2006-01-02"), r.rounds)
	r.writeGains(&b)
	r.writeCores(&b)
	return b.String()
}

// loadTitles are what is measured, in words.
var loadTitles = map[string]string{
	acceptKind.name: "events accepted/s, nothing matches", singleKind.name: "deliveries/s at fan-out 1", wideKind.name: "deliveries/s at fan-out 10",
	slowKind.name: fmt.Sprintf("deliveries/s to receivers that take %s", slowAnswer),
}

func (r *scaling) writeGains(b *strings.Builder) {
	b.WriteString("| |")
	for _, l := range r.loads {
		fmt.Fprintf(b, " %s | × |", loadTitles[l.kind.name])
	}
	b.WriteString("\n| --- |" + strings.Repeat(" --- | --- |", len(r.loads)) + "\n")
	for _, t := range r.trials {
		fmt.Fprintf(b, "| %s |", t.title)
		for _, l := range r.loads {
			rates, gains := t.against(r.trials[0], l.kind.name)
			if len(rates) == 0 {
				b.WriteString(" | |")
				continue
			}
			fmt.Fprintf(b, " %s | %.2f |", newSpread(rates).format(0), newSpread(gains).median)
		}
		b.WriteString("\n")
	}
}

// against is the rates of a load, and each divided by the other's of the same round.
func (t *scalingTrial) against(first *scalingTrial, load string) (rates, gains []float64) {
	for n, got := range t.got[load] {
		rates = append(rates, got.rate)
		gains = append(gains, got.rate/first.got[load][n].rate)
	}
	return rates, gains
}

// writeCores tells who is busy: a process on a core of its own that uses all of it is
// what the arrangement is short of.
func (r *scaling) writeCores(b *strings.Builder) {
	for _, k := range []kind{singleKind, wideKind} {
		fmt.Fprintf(b, "\nCores that each used, %s:\n\n| | %s |\n| --- |%s\n", loadTitles[k.name], strings.Join(measured[:], " | "), strings.Repeat(" --- |", len(measured)))
		for _, t := range r.trials {
			fmt.Fprintf(b, "| %s |", t.title)
			for _, name := range measured {
				var cores []float64
				for _, got := range t.got[k.name] {
					cores = append(cores, got.cpu[name]*got.rate/1e6)
				}
				fmt.Fprintf(b, " %.2f |", newSpread(cores).median)
			}
			b.WriteString("\n")
		}
	}
}

// verdict implements report.
func (r *scaling) verdict() error { return r.faults.verdict() }
