package idempotency

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/postrider/postrider/signature"
)

const (
	// DefaultHold is as long as Postrider waits for an answer at most.
	DefaultHold = time.Minute
	// DefaultKeep is as long as Postrider may send an event again, by a retry or a
	// replay: it keeps payloads for 30 days, and drops whole days.
	DefaultKeep = 32 * 24 * time.Hour

	// markTimeout bounds what is done after the handler.
	markTimeout = 5 * time.Second
)

// ErrNoEvent means that Once is not behind signature's middleware.
var ErrNoEvent = errors.New("idempotency: the request has no verified event")

// OnceConfig tells Once what to do; its zero value is ready.
type OnceConfig struct {
	// Scope keeps handlers apart that share a store: two endpoints get the same
	// event under the same id, and each has to handle it. A short name, such as
	// "billing"; handlers of one scope handle an event once between them.
	Scope string
	// Hold is how long the handler has: its context ends then, and a claim whose
	// process died is free again. 0 means DefaultHold.
	Hold time.Duration
	// Keep is how long an event that was handled is remembered; a replay of it
	// is answered, and not handled, as long. 0 means DefaultKeep.
	Keep time.Duration
	// OnError is told what went wrong with the store. Where the handler has
	// succeeded its answer stands, and the event may be handled again. nil means
	// that nobody is told.
	OnError func(r *http.Request, err error)
}

// Once calls the next handler once for each event, by what [signature.EventFrom]
// says: workspace and id. It goes inside of signature's middleware. A handler
// succeeds with a 2xx; any other answer, and a panic, gives the event back.
//
// An event that was handled is answered 200, one that is being handled 409, which
// Postrider retries. With a store that fails it is 503, and the handler is not
// called; without a verified event 500.
func Once(store Store, cfg OnceConfig) func(http.Handler) http.Handler {
	if cfg.Hold == 0 {
		cfg.Hold = DefaultHold
	}
	if cfg.Keep == 0 {
		cfg.Keep = DefaultKeep
	}
	if cfg.OnError == nil {
		cfg.OnError = func(*http.Request, error) {}
	}
	return func(next http.Handler) http.Handler { return &once{store, cfg, next} }
}

type once struct {
	store Store
	cfg   OnceConfig
	next  http.Handler
}

// ServeHTTP implements http.Handler.
func (o *once) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	e, ok := signature.EventFrom(r.Context())
	if !ok {
		o.cfg.OnError(r, ErrNoEvent)
		http.Error(w, "the receiver is not set up", http.StatusInternalServerError)
		return
	}
	key := o.cfg.Scope + "/" + e.WorkspaceID + "/" + e.ID
	token, state, err := o.store.Begin(r.Context(), key, o.cfg.Hold)
	switch {
	case err != nil:
		o.cfg.OnError(r, fmt.Errorf("idempotency: claim event %s: %w", e.ID, err))
		http.Error(w, "try again later", http.StatusServiceUnavailable)
	case state == Done:
		w.WriteHeader(http.StatusOK)
	case state == Held:
		http.Error(w, "the event is being handled", http.StatusConflict)
	default:
		o.handle(w, r, key, token)
	}
}

// handle runs the handler and says how it ended, also while it panics.
func (o *once) handle(w http.ResponseWriter, r *http.Request, key, token string) {
	ctx, cancel := context.WithTimeoutCause(r.Context(), o.cfg.Hold, fmt.Errorf("the event was not handled within %s", o.cfg.Hold))
	defer cancel()
	answer := &answer{ResponseWriter: w}
	succeeded := false
	defer func() { o.end(r, key, token, succeeded) }()
	o.next.ServeHTTP(answer, r.WithContext(ctx))
	succeeded = answer.succeeded()
}

func (o *once) end(r *http.Request, key, token string, succeeded bool) {
	// The sender may be gone, but what happened has happened.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(r.Context()), markTimeout)
	defer cancel()
	if succeeded {
		if err := o.store.Commit(ctx, key, o.cfg.Keep); err != nil {
			o.cfg.OnError(r, fmt.Errorf("idempotency: mark %s as done: %w", key, err))
		}
		return
	}
	if err := o.store.Release(ctx, key, token); err != nil {
		o.cfg.OnError(r, fmt.Errorf("idempotency: give %s back: %w", key, err))
	}
}

// answer notes the status of a handler's answer.
type answer struct {
	http.ResponseWriter
	status int
}

// Unwrap is for http.ResponseController.
func (a *answer) Unwrap() http.ResponseWriter { return a.ResponseWriter }

// WriteHeader implements http.ResponseWriter.
func (a *answer) WriteHeader(status int) {
	if a.status == 0 && status >= 200 { // what is below only announces an answer
		a.status = status
	}
	a.ResponseWriter.WriteHeader(status)
}

// Write implements http.ResponseWriter.
func (a *answer) Write(b []byte) (int, error) {
	if a.status == 0 {
		a.status = http.StatusOK
	}
	return a.ResponseWriter.Write(b)
}

// succeeded takes no answer for a 200, as the server does.
func (a *answer) succeeded() bool { return a.status == 0 || a.status/100 == 2 }
