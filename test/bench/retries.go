package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/jackc/pgx/v5"
)

const (
	// defaultDue is how many retries are due, quickDue where it only has to work.
	defaultDue, quickDue = 1_000_000, 2000
	// busyRate is events a second of the busier of the two live loads.
	busyRate = 500
)

// retries is everything that the report tells.
type retries struct {
	machine machine
	due     int
	window  time.Duration
	loads   []*liveLoad
	// took is from the scheduler's start to the last arrival.
	took   time.Duration
	faults faults
	// stored and succeeded are rows in Postgres at the end.
	stored, succeeded int
}

// liveLoad is a steady rate, and how long its deliveries took.
type liveLoad struct {
	rate           float64
	before, during []lag
}

// measureRetries puts the retries where they wait, measures live latency, and then
// again while they go out, until all have.
func measureRetries(ctx context.Context, o options, progress io.Writer) (_ *retries, err error) {
	l, err := openLab(ctx, o, progress)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, l.stack.stop(ctx)) }()
	r := &retries{due: o.due, window: o.steady, loads: []*liveLoad{{rate: steadyRate}, {rate: busyRate}}}
	if r.machine, err = describe(ctx, l.stack); err != nil {
		return nil, err
	}
	fmt.Fprintf(progress, "%d retries:", r.due)
	t, err := l.putRetries(ctx, r.due)
	if err != nil {
		return nil, fmt.Errorf("put the retries into postgres: %w", err)
	}
	if err := r.measureBefore(ctx, l, o.runs, progress); err != nil {
		return nil, err
	}
	if err := r.measureDuring(ctx, l, t, progress); err != nil {
		return nil, err
	}
	return r, r.check(ctx, l)
}

func (r *retries) measureBefore(ctx context.Context, l *lab, rounds int, progress io.Writer) error {
	for range rounds {
		for _, live := range r.loads {
			t, lags, err := l.paced(ctx, live.rate, r.window)
			if err != nil {
				return err
			}
			r.faults = r.faults.plus(t.faults())
			live.before = append(live.before, lags...)
			fmt.Fprintf(progress, " %.0f/s: p99 %s;", live.rate, latencyOf(lags).p99)
		}
	}
	fmt.Fprintln(progress)
	return nil
}

// measureDuring goes through the live loads again and again until all retries have
// arrived. What was posted after that counts no more.
func (r *retries) measureDuring(ctx context.Context, l *lab, t *tally, progress io.Writer) error {
	limit := timeFor(r.due)
	ctx, cancel := context.WithTimeoutCause(ctx, limit, fmt.Errorf("not all retries went out within %s", limit))
	defer cancel()
	start, err := l.makeDue(ctx)
	if err != nil {
		return fmt.Errorf("make the retries due: %w", err)
	}
	for n := 0; t.left.Load() > 0; n++ {
		live := r.loads[n%len(r.loads)]
		own, lags, err := l.paced(ctx, live.rate, r.window)
		if err != nil {
			return fmt.Errorf("%w: %d retries are left", err, t.left.Load())
		}
		r.faults = r.faults.plus(own.faults())
		for _, lag := range lags {
			if t.left.Load() > 0 || lag.posted.UnixNano() < t.last.Load() {
				live.during = append(live.during, lag)
			}
		}
		fmt.Fprintf(progress, " %d left, %.0f/s: p99 %s;", t.left.Load(), live.rate, latencyOf(lags).p99)
	}
	r.took = time.Unix(0, t.last.Load()).Sub(start)
	fmt.Fprintf(progress, " all went out in %s\n", r.took)
	return nil
}

// timeFor is how long so many retries may take at most: 21 minutes for a million, some
// ten times what they take where nothing slows them down.
func timeFor(due int) time.Duration { return time.Minute + time.Duration(due)*1200*time.Microsecond }

// check waits until everything has settled, for a duplicate may come late, and looks
// at the rows.
func (r *retries) check(ctx context.Context, l *lab) error {
	if err := l.settled(ctx); err != nil {
		return err
	}
	r.faults = r.faults.plus(l.receiver.beside.Load().faults())
	return l.stack.withPostgres(ctx, func(conn *pgx.Conn) error {
		return conn.QueryRow(ctx, retriesDoneSQL, retryKind.eventType(0)).Scan(&r.stored, &r.succeeded)
	})
}
