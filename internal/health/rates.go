// Package health holds what all workers must agree on about an endpoint beyond
// what Postgres says: start times under its rate limit. They live in Redis and
// are worth nothing after a second, so losing them costs nothing.
package health

import (
	"context"
	"log/slog"
	"strconv"
	"sync"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/postrider/postrider/internal/webhook"
)

// reserve takes start times under a rate limit (GCRA).
//
// KEYS[1]  the endpoint's next free start, in microseconds of Redis's clock
// ARGV[1]  microseconds between two starts
// ARGV[2]  how many starts are wanted
// ARGV[3]  the horizon: no start later than this many microseconds from now
// ARGV[4]  how many microseconds from now the next free start may be at most
//
// A next free start later than that was written before Redis's clock was set
// back, and would let nothing start for as long as that was.
//
// Returns {granted, microseconds from now to the first start}. It reserves, so
// that waiters get times apart from each other; refusing them would bring all
// back at the same instant.
var reserve = redis.NewScript(`
local t = redis.call("TIME")
local now = t[1] * 1000000 + t[2]
local apart, wanted, horizon, furthest = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3]), tonumber(ARGV[4])
local free = tonumber(redis.call("GET", KEYS[1]) or "0")
if free < now or free > now + furthest then free = now end
local granted = math.floor((now + horizon - free) / apart) + 1
if granted > wanted then granted = wanted end
if granted <= 0 then return {0, 0} end
redis.call("SET", KEYS[1], string.format("%.0f", free + granted * apart), "PX", 120000)
return {granted, free - now}`)

// Rates reserves start times. With Redis away each worker goes by its own clock,
// at its share of the rate.
type Rates struct {
	redis   redis.Scripter
	workers func() int
	logger  *slog.Logger
	timeout time.Duration // reserveTimeout, but in tests
	longest time.Duration // maxHorizon, but in tests

	mu    sync.Mutex
	local map[webhook.ID]time.Time // next free start, while Redis is away
}

// NewRates makes Rates; workers says how many processes share a rate.
func NewRates(client redis.Scripter, workers func() int, logger *slog.Logger) *Rates {
	return &Rates{timeout: reserveTimeout, longest: maxHorizon, redis: client, workers: workers, logger: logger, local: make(map[webhook.ID]time.Time)}
}

// reserveTimeout is how long Redis may take: a chunk waits for it.
const reserveTimeout = 250 * time.Millisecond

// maxHorizon bounds how far ahead anybody may reserve; maxApart is how far apart
// two starts are at most, at one a second.
const (
	maxHorizon = 5 * time.Second
	maxApart   = time.Second
)

// Reserve returns for how many of n requests there is room before the horizon, 5 s
// from now at most, when the first may start, and how far apart they are.
func (r *Rates) Reserve(ctx context.Context, endpoint webhook.ID, perSecond, n int, horizon time.Duration) (granted int, first, apart time.Duration) {
	apart, horizon = spacing(perSecond), min(horizon, r.longest)
	ctx, cancel := context.WithTimeout(ctx, r.timeout)
	defer cancel()
	key := "postrider:rate:{" + endpoint.Format(webhook.EndpointPrefix) + "}"
	res, err := reserve.Run(ctx, r.redis, []string{key},
		strconv.FormatInt(apart.Microseconds(), 10), n, horizon.Microseconds(), (r.longest + maxApart).Microseconds()).Int64Slice()
	if err == nil && len(res) == 2 {
		return int(res[0]), time.Duration(res[1]) * time.Microsecond, apart
	}
	r.logger.Debug("rate limit kept by this worker alone", "error", err)
	return r.reserveLocally(endpoint, apart*time.Duration(max(r.workers(), 1)), n, horizon, time.Now())
}

// spacing is rounded up to the whole microseconds that Redis counts in: rounded
// down, a second would hold one start more than the rate.
func spacing(perSecond int) time.Duration {
	rate := time.Duration(max(perSecond, 1))
	return (time.Second/time.Microsecond + rate - 1) / rate * time.Microsecond
}

func (r *Rates) reserveLocally(endpoint webhook.ID, apart time.Duration, n int, horizon time.Duration, now time.Time) (int, time.Duration, time.Duration) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.dropIdle(now)
	free := r.local[endpoint]
	if free.Before(now) {
		free = now
	}
	room := now.Add(horizon).Sub(free)
	if room < 0 || n <= 0 { // a division would round up to 0
		return 0, 0, apart
	}
	granted := min(int(room/apart)+1, n)
	r.local[endpoint] = free.Add(time.Duration(granted) * apart)
	return granted, free.Sub(now), apart
}

// dropIdle forgets start times in the past once there are many: they limit nothing.
func (r *Rates) dropIdle(now time.Time) {
	if len(r.local) < 1000 {
		return
	}
	for id, free := range r.local {
		if free.Before(now) {
			delete(r.local, id)
		}
	}
}
