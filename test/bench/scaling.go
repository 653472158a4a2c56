package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"
)

// arrangement is how many workers there are, and on which core what runs.
type arrangement struct {
	title   string
	workers int
	// core of a process, by what it is in the report; all is the rest's. Who has none runs on any.
	core map[string]int
}

const (
	all     = "all"
	anyCore = -1
)

// scalingSlots is how many requests a worker has in flight where slow receivers are measured: as few as
// leave it mostly waiting, on a machine that runs everything.
const scalingSlots = 100

// arrangements are compared with the first of them.
func arrangements() []arrangement {
	return []arrangement{
		{"1 worker", 1, nil},
		{"2 workers", 2, nil},
		{"4 workers", 4, nil},
		{"everything on one core", 1, map[string]int{all: 0}},
		{"posters and receiver on one core, the system on the other", 1, map[string]int{all: 0, driver: 1}},
		{"Postgres on one core, all else on the other", 1, map[string]int{all: 0, "postgres": 1}},
		{"the worker on one core, all else on the other", 1, map[string]int{all: 0, "worker": 1}},
		{"the API on one core, all else on the other", 1, map[string]int{all: 0, "api": 1}},
	}
}

func (a *arrangement) coreOf(name string) int {
	for _, name := range []string{name, all} {
		if core, ok := a.core[name]; ok {
			return core
		}
	}
	return anyCore
}

// scaling is everything that the report tells.
type scaling struct {
	machine machine
	rounds  int
	loads   []*measurement // one run of each
	trials  []*scalingTrial
	faults  faults
}

// scalingTrial is all rounds of an arrangement, by load.
type scalingTrial struct {
	arrangement
	got map[string][]outcome
}

// measureScaling runs each load in each arrangement in turn, several times over.
func measureScaling(ctx context.Context, o options, progress io.Writer) (_ *scaling, err error) {
	o.concurrency = scalingSlots
	l, err := openLab(ctx, o, progress)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, l.stack.stop(ctx)) }()
	r := &scaling{rounds: o.runs}
	if r.machine, err = describe(ctx, l.stack); err != nil {
		return nil, err
	}
	if r.machine.cores < 2 {
		return nil, errors.New("there is nothing to pin on one core")
	}
	for _, a := range arrangements() {
		r.trials = append(r.trials, &scalingTrial{a, map[string][]outcome{}})
	}
	if err := r.prepare(ctx, l, o); err != nil {
		return nil, err
	}
	for n := range o.runs {
		fmt.Fprintf(progress, "round %d of %d\n", n+1, o.runs)
		for _, t := range r.trials {
			if err := r.try(ctx, l, t, progress); err != nil {
				return nil, err
			}
		}
	}
	r.faults = l.faults
	return r, nil
}

// prepare decides how many events a run has: as many as take half of the length,
// with slow receivers as many as one worker delivers in twice the length.
func (r *scaling) prepare(ctx context.Context, l *lab, o options) error {
	for _, k := range o.kinds() {
		m := &measurement{kind: k}
		var err error
		if k.answersAfter > 0 && !o.quick {
			m.events = int(2 * o.length.Seconds() * scalingSlots / k.answersAfter.Seconds())
		} else if m.events, err = l.eventsOf(ctx, k, o, o.length/2); err != nil {
			return err
		}
		r.loads = append(r.loads, m)
	}
	return nil
}

func (r *scaling) try(ctx context.Context, l *lab, t *scalingTrial, progress io.Writer) error {
	if err := l.stack.setWorkers(ctx, t.workers); err != nil {
		return err
	}
	if err := l.stack.pin(t.coreOf); err != nil {
		return err
	}
	fmt.Fprintf(progress, "  %s:", t.title)
	for _, m := range r.loads {
		if m.kind.answersAfter > 0 && t.core != nil {
			continue // cores are not what slow receivers are short of
		}
		got, err := l.run(ctx, m.kind, m.events)
		if err != nil {
			return err
		}
		t.got[m.kind.name] = append(t.got[m.kind.name], got)
		fmt.Fprintf(progress, " %s %.0f/s", m.kind.name, got.rate)
	}
	fmt.Fprintln(progress)
	return nil
}

// slowAnswer is how long a slow receiver takes.
const slowAnswer = 200 * time.Millisecond
