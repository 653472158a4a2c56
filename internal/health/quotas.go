package health

import (
	"context"
	"errors"
	"log/slog"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	lru "github.com/hashicorp/golang-lru/v2"
	"github.com/redis/go-redis/v9"

	"github.com/postrider/postrider/internal/webhook"
)

// takeRoom gives out requests under a key's limit (GCRA): the key is a bucket that
// holds one second's requests and fills evenly.
//
// KEYS[1]  when the bucket is full again, in microseconds of Redis's clock
// ARGV[1]  microseconds between two requests at the limit
// ARGV[2]  how many requests the bucket holds
// ARGV[3]  how many are wanted
// ARGV[4]  how many that were taken before are given back
//
// A bucket can't be emptier than empty: what says so was written before Redis's
// clock was set back, and would refuse all requests for as long as that was. It
// is written anew, or the bucket would be empty until then, too.
//
// Returns {granted, left in the bucket, microseconds until there is one again
// where none was granted}.
var takeRoom = redis.NewScript(`
local t = redis.call("TIME")
local now = t[1] * 1000000 + t[2]
local apart, holds, wanted, back = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3]), tonumber(ARGV[4])
local was = tonumber(redis.call("GET", KEYS[1]) or "0")
local full = math.min(was, now + holds * apart)
local mended = full < was
full = math.max(full - back * apart, now)
local left = math.floor((now + holds * apart - full) / apart)
local granted = math.max(math.min(wanted, left), 0)
if granted + back > 0 or mended then
  full = full + granted * apart
  redis.call("SET", KEYS[1], string.format("%.0f", full), "PX", 120000)
end
if granted == 0 then return {0, 0, full + apart - now - holds * apart} end
return {granted, left - granted, 0}`)

// Quotas are the API keys' rate limits over all API processes. A process takes
// room out of Redis for the requests of the next moment at once, as many as it
// needed in the last; a key that is used little is asked about each time. With
// Redis away each process goes by itself, at the full rate: it fails no request.
type Quotas struct {
	redis     redis.Scripter
	perSecond int
	apart     time.Duration
	most      int // of one lease
	logger    *slog.Logger
	now       func() time.Time
	timeout   time.Duration // reserveTimeout, but in tests

	keys *lru.Cache[webhook.ID, *quota]
	// awayUntil is when Redis is asked again after it did not answer, in
	// nanoseconds of the Unix time.
	awayUntil atomic.Int64
}

const (
	maxQuotas = 10_000
	// leaseFor is how long room may be held that nobody uses: the others lack it.
	leaseFor = 100 * time.Millisecond
	// leaseShare is the part of a second's requests that one lease holds at most.
	leaseShare = 50
	// awayFor is how long Redis is left alone after it did not answer: each asking
	// holds a request up.
	awayFor = time.Second
)

// NewQuotas makes Quotas of so many requests a second for each key.
func NewQuotas(client redis.Scripter, perSecond int, logger *slog.Logger) *Quotas {
	keys, err := lru.New[webhook.ID, *quota](maxQuotas)
	if err != nil {
		panic(err) // only for a size that is not positive
	}
	return &Quotas{
		redis: client, perSecond: perSecond, apart: spacing(perSecond), most: max(perSecond/leaseShare, 1),
		logger: logger, now: time.Now, timeout: reserveTimeout, keys: keys,
	}
}

// Take uses up one request of the key's, or says when there will be one.
func (q *Quotas) Take(ctx context.Context, key webhook.ID) webhook.Quota {
	k := q.quotaOf(key)
	k.mu.Lock()
	defer k.mu.Unlock()
	now := q.now()
	switch {
	case k.left > 0 && now.Before(k.until):
		k.left--
		return q.allow(k.shared + k.left)
	case now.Before(k.refused):
		return q.refuse(k.refused.Sub(now))
	case now.UnixNano() < q.awayUntil.Load():
		return q.locally(k, now)
	}
	return q.renew(ctx, key, k, now)
}

func (q *Quotas) quotaOf(key webhook.ID) *quota {
	k, ok := q.keys.Get(key)
	if ok {
		return k
	}
	k = newQuota(q.perSecond)
	if earlier, ok, _ := q.keys.PeekOrAdd(key, k); ok {
		return earlier
	}
	return k
}

func (q *Quotas) allow(left int) webhook.Quota {
	return webhook.Quota{Allowed: true, PerSecond: q.perSecond, Left: left}
}

func (q *Quotas) refuse(wait time.Duration) webhook.Quota {
	return webhook.Quota{PerSecond: q.perSecond, Wait: wait}
}

// renew takes the next lease and one request out of it.
func (q *Quotas) renew(ctx context.Context, key webhook.ID, k *quota, now time.Time) webhook.Quota {
	want, back := k.next(now, q.most)
	granted, left, wait, err := q.ask(ctx, key, want, back)
	if err != nil {
		q.logger.Debug("api rate limit kept by this process alone", "error", err)
		q.awayUntil.Store(now.Add(awayFor).UnixNano())
		k.end()
		return q.locally(k, now)
	}
	if granted == 0 {
		k.end()
		k.refused = now.Add(wait)
		return q.refuse(wait)
	}
	k.begin(granted, left, q.now().Add(leaseFor))
	return q.allow(left + k.left)
}

func (q *Quotas) locally(k *quota, now time.Time) webhook.Quota {
	allowed, left, wait := k.local.take(now)
	if !allowed {
		return q.refuse(wait)
	}
	return q.allow(left)
}

var errAnswer = errors.New("redis answered something else")

// ask outlives the request that happens to ask: others wait for the answer.
func (q *Quotas) ask(ctx context.Context, key webhook.ID, want, back int) (granted, left int, wait time.Duration, err error) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), q.timeout)
	defer cancel()
	res, err := takeRoom.Run(ctx, q.redis, []string{"postrider:quota:{" + key.Format(webhook.KeyPrefix) + "}"},
		strconv.FormatInt(q.apart.Microseconds(), 10), q.perSecond, want, back).Int64Slice()
	if err == nil && len(res) != 3 {
		err = errAnswer
	}
	if err != nil {
		return 0, 0, 0, err
	}
	return int(res[0]), int(res[1]), time.Duration(res[2]) * time.Microsecond, nil
}

// quota is one key's.
type quota struct {
	mu sync.Mutex
	// The lease: how many requests it was for, how many of them are left, and
	// until when. shared is what was left for everybody when it was taken.
	size, left, shared int
	until              time.Time
	refused            time.Time // until then there is no room
	local              bucket
}

func newQuota(perSecond int) *quota { return &quota{local: newBucket(perSecond)} }

// next is how many to take, and how many of the last lease to give back. One that
// was used up in its time is followed by one twice as large.
func (k *quota) next(now time.Time, most int) (want, back int) {
	if k.left == 0 && now.Before(k.until) {
		return min(max(2*k.size, 1), most), 0
	}
	want = min(max(k.size-k.left, 1), most)
	if now.Sub(k.until) < time.Second { // after that the bucket is full anyway
		back = k.left
	}
	return want, back
}

func (k *quota) begin(granted, shared int, until time.Time) {
	k.size, k.left, k.shared, k.until = granted, granted-1, shared, until
}

func (k *quota) end() { k.size, k.left, k.until = 0, 0, time.Time{} }
