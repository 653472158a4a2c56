package api

import (
	"math"
	"net/http"
	"strconv"
	"time"

	lru "github.com/hashicorp/golang-lru/v2"
	"golang.org/x/time/rate"

	"github.com/postrider/postrider/internal/webhook"
)

// limiter is a token bucket a key, of one second's requests. It is this
// process's own: behind n API processes a key gets up to n times the rate.
type limiter struct {
	perSecond int
	now       func() time.Time
	buckets   *lru.Cache[webhook.ID, *rate.Limiter]
}

func newLimiter(perSecond int, now func() time.Time) *limiter {
	buckets, err := lru.New[webhook.ID, *rate.Limiter](maxCachedKeys)
	if err != nil {
		panic(err) // only for a size that is not positive
	}
	return &limiter{perSecond: perSecond, now: now, buckets: buckets}
}

// take uses one token of the key's up, or says when there will be one. Either
// way it tells how the bucket stands; the admin's key is the zero id.
func (l *limiter) take(key webhook.ID, h http.Header) error {
	bucket, ok := l.buckets.Get(key)
	if !ok {
		bucket = rate.NewLimiter(rate.Limit(l.perSecond), l.perSecond)
		if earlier, ok, _ := l.buckets.PeekOrAdd(key, bucket); ok {
			bucket = earlier
		}
	}
	now := l.now()
	allowed := bucket.AllowN(now, 1)
	left := max(bucket.TokensAt(now), 0)
	h.Set("X-RateLimit-Limit", strconv.Itoa(l.perSecond))
	h.Set("X-RateLimit-Remaining", strconv.Itoa(int(left)))
	h.Set("X-RateLimit-Reset", strconv.Itoa(int(math.Ceil((float64(l.perSecond)-left)/float64(l.perSecond)))))
	if allowed {
		return nil
	}
	wait := time.Duration((1 - left) / float64(l.perSecond) * float64(time.Second))
	return &webhook.Error{
		Code: webhook.CodeRateLimited, RetryAfter: wait,
		Detail: "more than " + strconv.Itoa(l.perSecond) + " requests a second with this key",
	}
}
