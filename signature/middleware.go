package signature

import (
	"bytes"
	"errors"
	"io"
	"net/http"
	"time"
)

// DefaultMaxBodyBytes is what Middleware reads of a body: room for the largest
// event (1 MiB) and what surrounds it.
const DefaultMaxBodyBytes = 2 << 20

// MiddlewareConfig tells Middleware what to accept.
type MiddlewareConfig struct {
	// Secrets are the endpoint's; while one rotates, both. Required.
	Secrets []string
	// Tolerance is as for VerifyStandard: 0 means DefaultTolerance.
	Tolerance time.Duration
	// MaxBodyBytes bounds the body; 0 means DefaultMaxBodyBytes.
	MaxBodyBytes int64
	// Now is the clock; nil means time.Now.
	Now func() time.Time
}

// Middleware lets only signed requests through, by the Standard Webhooks scheme,
// and gives the next handler the body unread. Others are answered 401, a body
// over the limit 413. It fails when the secrets can't verify anything.
func Middleware(cfg MiddlewareConfig) (func(http.Handler) http.Handler, error) {
	if _, err := newSigners(cfg.Secrets); err != nil {
		return nil, err
	}
	if cfg.MaxBodyBytes == 0 {
		cfg.MaxBodyBytes = DefaultMaxBodyBytes
	}
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, cfg.MaxBodyBytes))
			if err != nil {
				http.Error(w, "the body can't be read", readStatus(err))
				return
			}
			if err := VerifyStandard(r.Header, body, cfg.Secrets, cfg.Tolerance, cfg.Now()); err != nil {
				http.Error(w, err.Error(), http.StatusUnauthorized)
				return
			}
			r.Body = io.NopCloser(bytes.NewReader(body))
			next.ServeHTTP(w, r)
		})
	}, nil
}

func readStatus(err error) int {
	var tooLarge *http.MaxBytesError
	if errors.As(err, &tooLarge) {
		return http.StatusRequestEntityTooLarge
	}
	return http.StatusBadRequest
}
