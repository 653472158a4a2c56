package idempotency_test

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/postrider/postrider/hooktest"
	"github.com/postrider/postrider/idempotency"
	"github.com/postrider/postrider/signature"
)

const secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"

// receiver is a handler behind both middlewares.
type receiver struct {
	t       *testing.T
	handler http.Handler
	calls   atomic.Int32
	// answers are what the handler does, call by call; after the last it answers 204.
	answers []http.HandlerFunc

	mu     sync.Mutex
	errors []error
}

func newReceiver(t *testing.T, store idempotency.Store, cfg idempotency.OnceConfig, answers ...http.HandlerFunc) *receiver {
	t.Helper()
	r := &receiver{t: t, answers: answers}
	verified, err := signature.Middleware(signature.Config{Secrets: []string{secret}})
	if err != nil {
		t.Fatal(err)
	}
	cfg.OnError = func(_ *http.Request, err error) {
		r.mu.Lock()
		defer r.mu.Unlock()
		r.errors = append(r.errors, err)
	}
	r.handler = verified(idempotency.Once(store, cfg)(http.HandlerFunc(r.handle)))
	return r
}

func (r *receiver) handle(w http.ResponseWriter, req *http.Request) {
	if n := int(r.calls.Add(1)); n <= len(r.answers) {
		r.answers[n-1](w, req)
		return
	}
	w.WriteHeader(http.StatusNoContent)
}

// get delivers an event and returns the answer; 0 if the handler panicked.
func (r *receiver) get(id string) (status int) {
	defer func() {
		if recover() != nil {
			status = 0
		}
	}()
	w := httptest.NewRecorder()
	r.handler.ServeHTTP(w, hooktest.NewRequest(r.t, secret, "a.b", struct{}{}, hooktest.EventID(id)))
	return w.Code
}

func (r *receiver) wants(id string, statuses ...int) {
	r.t.Helper()
	var got []int
	for range statuses {
		got = append(got, r.get(id))
	}
	if !slices.Equal(got, statuses) {
		r.t.Errorf("answers for %s are %v, want %v", id, got, statuses)
	}
}

func (r *receiver) wantsCalls(n int32) {
	r.t.Helper()
	if got := r.calls.Load(); got != n {
		r.t.Errorf("handled %d times, want %d", got, n)
	}
}

func answers(status int) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(status) }
}

func TestOnce(t *testing.T) {
	t.Parallel()

	t.Run("HandlesAnEventOnce", func(t *testing.T) {
		t.Parallel()
		r := newReceiver(t, &idempotency.Memory{}, idempotency.OnceConfig{})
		r.wants("evt_1", 204, 200, 200)
		r.wants("evt_2", 204, 200)
		r.wantsCalls(2)
	})

	t.Run("TakesEvery2xxForASuccess", func(t *testing.T) {
		t.Parallel()
		for name, answer := range map[string]http.HandlerFunc{
			"NoAnswer": func(http.ResponseWriter, *http.Request) {},
			"Body":     func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("ok")) },
			"EarlyHints": func(w http.ResponseWriter, _ *http.Request) {
				w.WriteHeader(http.StatusEarlyHints)
				w.WriteHeader(http.StatusAccepted)
			},
			"SecondStatus": func(w http.ResponseWriter, _ *http.Request) {
				w.WriteHeader(http.StatusCreated)
				w.WriteHeader(http.StatusInternalServerError) // the server ignores it
			},
			"Flushed": func(w http.ResponseWriter, _ *http.Request) {
				if err := http.NewResponseController(w).Flush(); err != nil {
					t.Error(err)
				}
			},
		} {
			r := newReceiver(t, &idempotency.Memory{}, idempotency.OnceConfig{}, answer)
			r.get("evt_1")
			r.wants("evt_1", 200)
			if r.calls.Load() != 1 {
				t.Errorf("%s: handled %d times", name, r.calls.Load())
			}
		}
	})

	t.Run("GivesBackWhatFailed", func(t *testing.T) {
		t.Parallel()
		abort := func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }
		r := newReceiver(t, &idempotency.Memory{}, idempotency.OnceConfig{}, answers(500), answers(404), answers(302), abort)
		r.wants("evt_1", 500, 404, 302, 0, 204, 200)
		r.wantsCalls(5)
	})

	t.Run("AnswersWhileAnEventIsBeingHandled", func(t *testing.T) {
		t.Parallel()
		begun, end := make(chan struct{}), make(chan struct{})
		r := newReceiver(t, &idempotency.Memory{}, idempotency.OnceConfig{}, func(http.ResponseWriter, *http.Request) {
			close(begun)
			<-end
		})
		first := make(chan int)
		go func() { first <- r.get("evt_1") }()
		<-begun
		r.wants("evt_1", 409)
		r.wants("evt_2", 204)
		close(end)
		if status := <-first; status != 200 {
			t.Errorf("answer %d", status)
		}
		r.wants("evt_1", 200)
		r.wantsCalls(2)
	})

	t.Run("KeepsScopesApart", func(t *testing.T) {
		t.Parallel()
		store := &idempotency.Memory{}
		for _, scope := range []string{"", "billing", "search"} {
			r := newReceiver(t, store, idempotency.OnceConfig{Scope: scope})
			r.wants("evt_1", 204, 200)
			r.wantsCalls(1)
		}
		again := newReceiver(t, store, idempotency.OnceConfig{Scope: "billing"})
		again.wants("evt_1", 200)
	})

	t.Run("MarksWhatTheSenderDidNotWaitFor", func(t *testing.T) {
		t.Parallel()
		ctx, hangUp := context.WithCancel(t.Context())
		store := strict{&idempotency.Memory{}}
		r := newReceiver(t, store, idempotency.OnceConfig{}, func(http.ResponseWriter, *http.Request) { hangUp() })
		req := hooktest.NewRequest(t, secret, "a.b", struct{}{}, hooktest.EventID("evt_1"))
		r.handler.ServeHTTP(httptest.NewRecorder(), req.WithContext(ctx))
		r.wants("evt_1", 200)
	})

	t.Run("NeedsAVerifiedEvent", func(t *testing.T) {
		t.Parallel()
		var told error
		unverified := idempotency.Once(&idempotency.Memory{}, idempotency.OnceConfig{OnError: func(_ *http.Request, err error) { told = err }})
		w := httptest.NewRecorder()
		unverified(http.NotFoundHandler()).ServeHTTP(w, hooktest.NewRequest(t, secret, "a.b", struct{}{}))
		if w.Code != http.StatusInternalServerError || !errors.Is(told, idempotency.ErrNoEvent) {
			t.Errorf("answer %d, told %v", w.Code, told)
		}
		r := newReceiver(t, &idempotency.Memory{}, idempotency.OnceConfig{})
		w = httptest.NewRecorder()
		r.handler.ServeHTTP(w, hooktest.NewRequest(t, secret, "a.b", struct{}{}, hooktest.EventID("evt_1"), hooktest.WrongSecret))
		if w.Code != http.StatusUnauthorized {
			t.Errorf("answer %d", w.Code)
		}
		r.wants("evt_1", 204) // a forged request has marked nothing
	})
}

func TestOnceInTime(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var cause error
		r := newReceiver(t, &idempotency.Memory{}, idempotency.OnceConfig{Hold: time.Second, Keep: time.Hour}, func(w http.ResponseWriter, req *http.Request) {
			<-req.Context().Done()
			cause = context.Cause(req.Context())
			w.WriteHeader(http.StatusInternalServerError)
		})
		began := time.Now()
		r.wants("evt_1", 500)
		if took := time.Since(began); took != time.Second || cause == nil || cause.Error() != "the event was not handled within 1s" {
			t.Errorf("the handler had %s: %v", took, cause)
		}
		r.wants("evt_1", 204, 200)
		<-time.After(time.Hour - time.Second)
		r.wants("evt_1", 200)
		<-time.After(2 * time.Second)
		r.wants("evt_1", 204)
	})
}

func TestOnceAfterACrash(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		store := &idempotency.Memory{}
		// A process claimed the event, and died.
		if _, state, err := store.Begin(t.Context(), "/1/evt_1", idempotency.DefaultHold); state != idempotency.Claimed || err != nil {
			t.Fatalf("%s, %v", state, err)
		}
		r := newReceiver(t, store, idempotency.OnceConfig{})
		r.wants("evt_1", 409)
		<-time.After(idempotency.DefaultHold)
		r.wants("evt_1", 204, 200)
		r.wantsCalls(1)
	})
}

// strict is a store that takes no context that is over.
type strict struct{ idempotency.Store }

func (s strict) Commit(ctx context.Context, key string, keep time.Duration) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	return s.Store.Commit(ctx, key, keep)
}

// broken is a store whose begin or end fails.
type broken struct {
	idempotency.Store
	begin, end error
}

func (b broken) Begin(ctx context.Context, key string, hold time.Duration) (string, idempotency.State, error) {
	if b.begin != nil {
		return "", 0, b.begin
	}
	return b.Store.Begin(ctx, key, hold)
}

func (b broken) Commit(context.Context, string, time.Duration) error { return b.end }
func (b broken) Release(context.Context, string, string) error       { return b.end }

func TestOnceWithABrokenStore(t *testing.T) {
	t.Parallel()
	away := errors.New("away")

	t.Run("HandlesNothingThatItCanNotClaim", func(t *testing.T) {
		t.Parallel()
		r := newReceiver(t, broken{begin: away}, idempotency.OnceConfig{})
		r.wants("evt_1", 503)
		r.wantsCalls(0)
		if len(r.errors) != 1 || !errors.Is(r.errors[0], away) {
			t.Errorf("told %v", r.errors)
		}
	})

	t.Run("LetsTheHandlersAnswerStand", func(t *testing.T) {
		t.Parallel()
		r := newReceiver(t, broken{Store: &idempotency.Memory{}, end: away}, idempotency.OnceConfig{}, answers(202), answers(500))
		r.wants("evt_1", 202)
		r.wants("evt_2", 500)
		if len(r.errors) != 2 || !errors.Is(r.errors[0], away) || !errors.Is(r.errors[1], away) {
			t.Errorf("told %v", r.errors)
		}
	})
}
