package queue

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/redis/go-redis/v9"
)

// maxSkew is how far a worker's clock may be off Redis's. asynq writes leases and
// due times, and forwards and recovers, by each worker's own: one that is far off
// would take the living for dead, and hold a retry back for as long as it is off.
const maxSkew = 10 * time.Second

// reading is what this machine's two clocks say: the time of day, which somebody
// may set, and how long the process has run, which only goes on.
type reading struct {
	wall time.Time
	mono time.Duration
}

// clock compares this machine's time with Redis's. Between two comparisons it
// goes by the clock that nobody sets: a step of the other one shows at once.
type clock struct {
	read func() reading // both clocks, but in tests

	mu     sync.Mutex
	theirs time.Time     // Redis's time
	at     time.Duration // when it was that; both are zero before any comparison
	asked  time.Duration
}

func newClock() *clock {
	start := time.Now()
	return &clock{asked: -time.Hour, read: func() reading {
		now := time.Now()
		return reading{wall: now.Round(0), mono: now.Sub(start)}
	}}
}

// due reports whether it is time to compare again, to one caller each second.
func (c *clock) due() bool {
	now := c.read().mono
	c.mu.Lock()
	defer c.mu.Unlock()
	if now-c.asked < time.Second {
		return false
	}
	c.asked = now
	return true
}

// compare takes Redis's time, which was asked for at before and is here now.
func (c *clock) compare(before reading, theirs time.Time) {
	after := c.read()
	c.mu.Lock()
	defer c.mu.Unlock()
	c.theirs, c.at = theirs, before.mono+(after.mono-before.mono)/2
}

// skew is how far this machine's clock is ahead of Redis's; 0 before they were
// compared.
func (c *clock) skew() (skew time.Duration, known bool) {
	now := c.read()
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.theirs.IsZero() {
		return 0, false
	}
	return now.wall.Sub(c.theirs.Add(now.mono - c.at)), true
}

// trusted: asynq may go by this machine's clock. Not before it was compared.
func (c *clock) trusted() bool {
	skew, known := c.skew()
	return known && skew.Abs() <= maxSkew
}

// delay is for asynq, which adds it to this machine's time: what comes of that is
// the whole second by Redis's clock at or after d from now. The workers that
// forward the task go by clocks that are close to Redis's.
func (c *clock) delay(d time.Duration) time.Duration {
	skew, _ := c.skew()
	mine := c.read().wall
	return ceilSecond(mine.Add(d - skew)).Sub(mine)
}

// Skew is how far this machine's clock is ahead of Redis's.
func (r *Redis) Skew(ctx context.Context) (time.Duration, error) {
	before := r.clock.read()
	theirs, err := r.client.Time(ctx).Result()
	if err != nil {
		return 0, fmt.Errorf("ask redis for its time: %w", err)
	}
	r.clock.compare(before, theirs)
	skew, _ := r.clock.skew()
	return skew, nil
}

// ClockOff is why nothing may be begun by this machine's clock; nil when it is
// close enough to Redis's, or they were never compared.
func (r *Redis) ClockOff() error {
	if skew, known := r.clock.skew(); known && skew.Abs() > maxSkew {
		return fmt.Errorf("this machine's clock is %s off Redis's: set it right", skew.Round(time.Second))
	}
	return nil
}

// CheckClock compares the clocks now.
func (r *Redis) CheckClock(ctx context.Context) error {
	if _, err := r.Skew(ctx); err != nil {
		return err
	}
	return r.ClockOff()
}

// look asks for Redis's time, its memory and the queues there are in one round trip,
// on a cluster in two: every master has a memory of its own.
func (r *Redis) look(ctx context.Context) error {
	before := r.clock.read()
	var theirs *redis.TimeCmd
	var info *redis.StringCmd
	var registered *redis.StringSliceCmd
	_, _ = r.client.Pipelined(ctx, func(p redis.Pipeliner) error {
		theirs = p.Time(ctx)
		info = r.askMemory(ctx, p)
		registered = p.SMembers(ctx, registry)
		return nil
	})
	now, err := theirs.Result()
	if err != nil {
		return fmt.Errorf("look at redis: %w", err)
	}
	r.clock.compare(before, now)
	return errors.Join(r.takeRegistered(registered), r.memory.take(info), r.lookAtMasters(ctx))
}

var errClockOff = errors.New("this machine's clock is off")
