package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"
)

// measurement is all runs of one kind.
type measurement struct {
	kind   kind
	events int // of a run
	rates  []float64
	// shares are the rates divided by the bare rate of the moment, cpuShares what
	// a bare request costs in CPU time divided by what one of these costs.
	shares, cpuShares []float64
	cpu               []map[string]float64
}

// add takes a run, with the bare runs just before and after it.
func (m *measurement) add(got outcome, bare ...outcome) {
	m.rates = append(m.rates, got.rate)
	m.cpu = append(m.cpu, got.cpu)
	var rate, cpu float64
	for _, b := range bare {
		rate += b.rate / float64(len(bare))
		cpu += total(b.cpu) / float64(len(bare))
	}
	m.shares = append(m.shares, got.rate/rate)
	m.cpuShares = append(m.cpuShares, cpu/total(got.cpu))
}

// result is everything that the report tells.
type result struct {
	machine  machine
	options  options
	bare     *measurement
	measured []*measurement
	// latencies are those of the steady runs, one in each round; halves those at half
	// of the rate that fan-out 1 had just come to.
	latencies, halves []latency
	// idle is what everything uses of a core with nothing to do.
	idle float64
	// queued and waiting are bytes of Redis for a first attempt and for a retry.
	queued, waiting float64
	memory          map[string]int64
	faults          faults
	// complaints are warnings and errors in the programs' logs.
	complaints []string
}

// bareSeconds is how long a bare run takes, at most.
const bareSeconds = 2

// measureAll runs every kind in turn, several times over, each between two bare
// runs, so that a machine that is busy for a while slows all of them down alike.
func measureAll(ctx context.Context, o options, progress io.Writer) (_ *result, err error) {
	l, err := openLab(ctx, o, progress)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, l.stack.stop(ctx)) }()
	r := &result{options: o}
	if r.machine, err = describe(ctx, l.stack); err != nil {
		return nil, err
	}
	if err := r.beforeLoad(ctx, l); err != nil {
		return nil, err
	}
	if err := r.prepare(ctx, l, progress); err != nil {
		return nil, err
	}
	for n := range o.runs {
		fmt.Fprintf(progress, "run %d of %d:", n+1, o.runs)
		if err := r.round(ctx, l, progress); err != nil {
			return nil, err
		}
	}
	if o.profile != "" {
		if err := r.takeProfiles(ctx, l, progress); err != nil {
			return nil, err
		}
	}
	if r.memory, err = l.stack.memory(); err != nil {
		return nil, err
	}
	r.faults = l.faults
	if !o.partial() {
		if r.waiting, err = l.waitingBytes(ctx); err != nil {
			return nil, err
		}
	}
	r.complaints, err = l.stack.complaints()
	return r, err
}

// prepare warms everything up and decides how many events a run has.
func (r *result) prepare(ctx context.Context, l *lab, progress io.Writer) error {
	fmt.Fprint(progress, "warm-up:")
	for _, k := range r.options.kinds() {
		if k.status != 0 {
			continue // it is for the end
		}
		m := &measurement{kind: k}
		length := r.options.length
		if k.bare {
			length = min(length, bareSeconds*time.Second)
		}
		var err error
		if k.keyed { // as many as without a key: the two are compared
			m.events = r.measured[len(r.measured)-1].events
		} else if m.events, err = l.eventsOf(ctx, k, r.options, length); err != nil {
			return err
		}
		fmt.Fprintf(progress, " %s %d events", k.name, m.events)
		if k.bare {
			r.bare = m
		} else {
			r.measured = append(r.measured, m)
		}
	}
	fmt.Fprintln(progress)
	return nil
}

// round runs each kind once, with bare runs in between, and then at the steady
// rate: right after a load, when Postgres still tidies up behind it.
func (r *result) round(ctx context.Context, l *lab, progress io.Writer) error {
	before, err := r.runBare(ctx, l)
	if err != nil {
		return err
	}
	for _, m := range r.measured {
		got, err := l.run(ctx, m.kind, m.events)
		if err != nil {
			return err
		}
		after, err := r.runBare(ctx, l)
		if err != nil {
			return err
		}
		m.add(got, before, after)
		fmt.Fprintf(progress, " %s %.0f/s of %.0f/s;", m.kind.label(), got.rate, (before.rate+after.rate)/2)
		before = after
	}
	if r.options.partial() {
		fmt.Fprintln(progress)
		return nil
	}
	got, err := l.steady(ctx, steadyRate, r.options.steady)
	if err != nil {
		return err
	}
	r.latencies = append(r.latencies, got)
	fmt.Fprintf(progress, " %d/s: p50 %s, p99 %s;", steadyRate, got.p50, got.p99)
	half := r.lastRate(singleKind) / 2
	if got, err = l.steady(ctx, half, r.options.steady/2); err != nil {
		return err
	}
	r.halves = append(r.halves, got)
	fmt.Fprintf(progress, " %.0f/s: p50 %s, p99 %s\n", half, got.p50, got.p99)
	return nil
}

func (r *result) lastRate(k kind) float64 {
	for _, m := range r.measured {
		if m.kind == k {
			return m.rates[len(m.rates)-1]
		}
	}
	return steadyRate
}

func (r *result) runBare(ctx context.Context, l *lab) (outcome, error) {
	got, err := l.run(ctx, bareKind, r.bare.events)
	if err == nil {
		r.bare.add(got, got)
	}
	return got, err
}

// complaints are the programs' warnings, in words.
func (s *stack) complaints() ([]string, error) {
	var all []string
	for _, role := range roles {
		n, first, err := s.processes[role].complaints()
		if err != nil {
			return nil, err
		}
		if n > 0 {
			all = append(all, fmt.Sprintf("%s logged %d warnings; the first: %s", role, n, first))
		}
	}
	return all, nil
}

// verdict implements report.
func (r *result) verdict() error { return r.faults.verdict() }

func (f faults) String() string {
	return fmt.Sprintf("%d lost, %d duplicates, %d not at the first attempt, %d that nobody sent", f.lost, f.duplicates, f.retries, f.strays)
}
