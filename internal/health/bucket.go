package health

import (
	"time"

	"golang.org/x/time/rate"
)

// bucket is a rate limit of this process alone: it holds one second's requests.
type bucket struct{ limiter *rate.Limiter }

func newBucket(perSecond int) bucket {
	return bucket{rate.NewLimiter(rate.Limit(perSecond), perSecond)}
}

// take uses up one request, or says when there will be one.
func (b bucket) take(now time.Time) (allowed bool, left int, wait time.Duration) {
	allowed = b.limiter.AllowN(now, 1)
	tokens := max(b.limiter.TokensAt(now), 0)
	if !allowed {
		wait = time.Duration((1 - tokens) / float64(b.limiter.Limit()) * float64(time.Second))
	}
	return allowed, int(tokens), wait
}
