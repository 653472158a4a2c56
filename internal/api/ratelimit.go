package api

import (
	"context"
	"net/http"
	"strconv"

	"github.com/postrider/postrider/internal/webhook"
)

// RateLimits is what the API processes agree on about a key's rate.
type RateLimits interface {
	// Take uses up one request of the key's, or says when there will be one. The
	// admin's key is the zero id.
	Take(ctx context.Context, key webhook.ID) webhook.Quota
}

// limit uses up one request of the caller's and tells how it stands; the error
// says that there was none.
func (s *server) limit(ctx context.Context, who caller, h http.Header) error {
	// A page of the console makes many requests at once, and is no client of the key's.
	if s.cfg.RateLimits == nil || who.within {
		return nil
	}
	q := s.cfg.RateLimits.Take(ctx, who.id())
	h.Set("X-RateLimit-Limit", strconv.Itoa(q.PerSecond))
	h.Set("X-RateLimit-Remaining", strconv.Itoa(q.Left))
	// Seconds, rounded up, until as many are left as there can be.
	h.Set("X-RateLimit-Reset", strconv.Itoa((q.PerSecond-q.Left+q.PerSecond-1)/q.PerSecond))
	if q.Allowed {
		return nil
	}
	return &webhook.Error{
		Code: webhook.CodeRateLimited, RetryAfter: q.Wait,
		Detail: "more than " + strconv.Itoa(q.PerSecond) + " requests a second with this key",
	}
}
