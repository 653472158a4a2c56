package signature

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
)

// DefaultMaxBodyBytes is what Middleware reads of a body: room for the largest
// event (1 MiB) and what surrounds it.
const DefaultMaxBodyBytes = 2 << 20

// Middleware returns the middleware of a Verifier: NewVerifier and
// [Verifier.Middleware] in one. Errors: those of NewVerifier.
func Middleware(cfg Config) (func(http.Handler) http.Handler, error) {
	v, err := NewVerifier(cfg)
	if err != nil {
		return nil, err
	}
	return v.Middleware, nil
}

// Middleware lets only verified requests through. The next handler gets the event
// from [EventFrom], and the body unread. Others are answered 401, whatever is
// wrong with them, so that nobody learns by trying; 413 if the body is too large,
// 400 if it does not arrive whole or is signed but no event, 503 if the
// ReplayGuard fails. Config.OnError is told which mistake it was.
func (v *Verifier) Middleware(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		e, body, err := v.receive(w, r)
		if err != nil {
			if v.cfg.OnError != nil {
				v.cfg.OnError(r, err)
			}
			refuse(w, err)
			return
		}
		r = r.WithContext(context.WithValue(r.Context(), eventKey{}, e))
		r.Body, r.ContentLength = io.NopCloser(bytes.NewReader(body)), int64(len(body))
		next.ServeHTTP(w, r)
	})
}

// receive looks at the headers first: who is not signed is not read.
func (v *Verifier) receive(w http.ResponseWriter, r *http.Request) (Event, []byte, error) {
	s, err := v.read(r.Header)
	if err != nil {
		return Event{}, nil, err
	}
	if r.Body == nil {
		r.Body = http.NoBody // of a request that a test made
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, v.cfg.MaxBodyBytes))
	if err != nil {
		return Event{}, nil, fmt.Errorf("%w: %w", ErrUnreadableBody, err)
	}
	e, err := v.verify(r.Context(), r.Header, s, body)
	return e, body, err
}

// refuse tells no two mistakes apart that somebody could make use of.
func refuse(w http.ResponseWriter, err error) {
	var tooLarge *http.MaxBytesError
	switch {
	case errors.As(err, &tooLarge):
		http.Error(w, "the body is too large", http.StatusRequestEntityTooLarge)
	case errors.Is(err, ErrUnreadableBody):
		http.Error(w, "the body did not arrive whole", http.StatusBadRequest)
	case errors.Is(err, ErrMalformedEvent):
		http.Error(w, "the body holds no event", http.StatusBadRequest)
	case errors.Is(err, ErrReplayUnknown):
		http.Error(w, "try again later", http.StatusServiceUnavailable)
	default:
		http.Error(w, "the webhook could not be verified", http.StatusUnauthorized)
	}
}
