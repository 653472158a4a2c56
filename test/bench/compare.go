package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
)

// comparison is two builds of the programs under the same loads in turn. Each has a
// Postgres and a Redis of its own; while one is measured the other is idle.
type comparison struct {
	machine machine
	rounds  int
	against string
	loads   []*versus
	faults  faults
}

// versus is a load's runs, those of a round side by side.
type versus struct {
	kind            kind
	events          int
	theirs, present []outcome
}

func measureAgainst(ctx context.Context, o options, progress io.Writer) (_ *comparison, err error) {
	var labs [2]*lab
	for i, bin := range []string{o.against, o.bin} {
		with := o
		with.bin = bin
		if labs[i], err = openLab(ctx, with, progress); err != nil {
			return nil, fmt.Errorf("%s: %w", bin, err)
		}
		defer func() { err = errors.Join(err, labs[i].stack.stop(ctx)) }()
	}
	r := &comparison{rounds: o.runs, against: o.against}
	if r.machine, err = describe(ctx, labs[1].stack); err != nil {
		return nil, err
	}
	if err := r.prepare(ctx, labs, o); err != nil {
		return nil, err
	}
	for n := range o.runs {
		fmt.Fprintf(progress, "round %d of %d:", n+1, o.runs)
		for _, v := range r.loads {
			if err := v.run(ctx, labs, n); err != nil {
				return nil, err
			}
			fmt.Fprintf(progress, " %s %.0f/s and %.0f/s;", v.kind.label(), v.theirs[n].rate, v.present[n].rate)
		}
		fmt.Fprintln(progress)
	}
	r.faults = labs[0].faults.plus(labs[1].faults)
	return r, nil
}

// prepare warms both up.
func (r *comparison) prepare(ctx context.Context, labs [2]*lab, o options) error {
	for _, k := range o.kinds() {
		if k.bare || k.keyed || k.status != 0 {
			continue
		}
		v := &versus{kind: k}
		for _, l := range labs {
			var err error
			if v.events, err = l.eventsOf(ctx, k, o, o.length/2); err != nil {
				return err
			}
		}
		r.loads = append(r.loads, v)
	}
	return nil
}

// run takes turns at who comes first.
func (v *versus) run(ctx context.Context, labs [2]*lab, round int) error {
	var got [2]outcome
	for i := range labs {
		at := (i + round) % len(labs)
		var err error
		if got[at], err = labs[at].run(ctx, v.kind, v.events); err != nil {
			return err
		}
	}
	v.theirs, v.present = append(v.theirs, got[0]), append(v.present, got[1])
	return nil
}

func (r *comparison) markdown() string {
	var b strings.Builder
	fmt.Fprintf(&b, `# Against %s

%d rounds of both in turn on %d cores, %s; medians (least–most). × is the present against the other in the same round: of the rate, and of the system's CPU time.

| | the other | %s | × | × CPU time |
| --- | --- | --- | --- | --- |
`, r.against, r.rounds, r.machine.cores, r.machine.cpu, r.machine.commit)
	for _, v := range r.loads {
		var theirs, present, rates, cpu []float64
		for n := range v.theirs {
			theirs, present = append(theirs, v.theirs[n].rate), append(present, v.present[n].rate)
			rates = append(rates, v.present[n].rate/v.theirs[n].rate)
			cpu = append(cpu, system(v.present[n].cpu)/system(v.theirs[n].cpu))
		}
		fmt.Fprintf(&b, "| %s, a second | %s | %s | %s | %s |\n", v.kind.title(), newSpread(theirs).format(0), newSpread(present).format(0),
			newSpread(rates).format(2), newSpread(cpu).format(2))
	}
	return b.String()
}

// verdict implements report.
func (r *comparison) verdict() error { return r.faults.verdict() }
