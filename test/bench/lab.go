package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"
)

// lab is the system under test with its instruments.
type lab struct {
	stack    *stack
	receiver *receiver
	poster   *poster
	user     user
	posters  int
	// next is the number of the next event: no two runs share one.
	next   int
	faults faults
}

// openLab brings everything up, with endpoints at the receiver.
func openLab(ctx context.Context, o options, progress io.Writer) (_ *lab, err error) {
	s, err := startStack(ctx, o, progress)
	if err != nil {
		return nil, err
	}
	l := &lab{stack: s, posters: o.posters}
	defer func() {
		if err != nil {
			err = errors.Join(err, s.stop(ctx))
		}
	}()
	if l.receiver, err = startReceiver(ctx); err != nil {
		return nil, err
	}
	s.add(l.receiver.stop)
	if l.user, err = s.populate(ctx, l.receiver.url, o.kinds()); err != nil {
		return nil, err
	}
	l.poster = newPoster(s.apiURL, l.user.key, l.receiver.url, o.posters)
	return l, nil
}

// begin opens a tally for the run's events.
func (l *lab) begin(k kind, count int) *tally {
	t := newTally(k, l.next, count)
	l.next += count
	l.receiver.current.Store(t)
	return t
}

// end waits until everything has settled, then adds up what went wrong: a
// duplicate may come after the last that was missing.
func (l *lab) end(ctx context.Context, t *tally) error {
	err := l.settled(ctx)
	l.faults = l.faults.plus(t.faults())
	return err
}

// outcome is what one run showed.
type outcome struct {
	// rate is deliveries a second, or events where nothing matches.
	rate float64
	took time.Duration
	// cpu is microseconds by process for each delivery (event).
	cpu map[string]float64
}

// run posts count events in a closed loop and waits for the last delivery.
func (l *lab) run(ctx context.Context, k kind, count int) (outcome, error) {
	before, err := l.stack.cpu()
	if err != nil {
		return outcome{}, err
	}
	t := l.begin(k, count)
	start := time.Now()
	posters := l.posters
	if k.batch > 0 { // an API takes 8,192 waiting events, and is right to refuse more
		posters = max(posters/4, 1)
	}
	took, err := l.poster.postAll(ctx, k, t.first, count, posters)
	if err == nil {
		err = t.wait(ctx)
	}
	if err != nil {
		return outcome{}, fmt.Errorf("%s: %w", k.name, err)
	}
	n := count
	if k.fanout > 0 && !k.bare {
		n = count * k.fanout
		took = time.Unix(0, t.last.Load()).Sub(start)
	}
	if err := l.end(ctx, t); err != nil {
		return outcome{}, fmt.Errorf("%s: %w", k.name, err)
	}
	after, err := l.stack.cpu()
	if err != nil {
		return outcome{}, err
	}
	return outcome{rate: float64(n) / took.Seconds(), took: took, cpu: after.since(before, n)}, nil
}

// lostAfter is how long nothing arrives before what is missing counts as lost.
const lostAfter = 20 * time.Second

// wait returns when everything has arrived, or nothing more does.
func (t *tally) wait(ctx context.Context) error {
	tick := time.NewTicker(lostAfter)
	defer tick.Stop()
	for left := t.left.Load(); ; {
		select {
		case <-t.all:
			return nil
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-tick.C:
		}
		now := t.left.Load()
		if now == left {
			return nil // the tally's faults tell
		}
		left = now
	}
}

// eventsOf is how many events a run of the kind has: what the flag says, as many
// deliveries where each makes several, or else as many as take the length.
func (l *lab) eventsOf(ctx context.Context, k kind, o options, length time.Duration) (int, error) {
	if o.events > 0 {
		return max(o.events/max(k.fanout, 1), 1), nil
	}
	return l.warmUp(ctx, k, length)
}

// warmUp doubles the number of events until a run takes long enough to tell how
// many a run of the wanted length takes.
func (l *lab) warmUp(ctx context.Context, k kind, length time.Duration) (int, error) {
	const enough = 1500 * time.Millisecond
	for count := max(5000/max(k.fanout, 10), 1); ; count *= 2 {
		got, err := l.run(ctx, k, count)
		if err != nil {
			return 0, err
		}
		if got.took >= enough {
			return int(float64(count) * length.Seconds() / got.took.Seconds()), nil
		}
	}
}
