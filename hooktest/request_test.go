package hooktest_test

import (
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/postrider/postrider/hooktest"
	"github.com/postrider/postrider/internal/webhook"
	"github.com/postrider/postrider/signature"
)

const (
	secret  = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
	another = "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD"
)

// served is what a receiver made of a request.
type served struct {
	status int
	event  signature.Event
	why    error
}

func serve(t *testing.T, scheme signature.Scheme, r *http.Request) (got served) {
	t.Helper()
	verified, err := signature.Middleware(signature.Config{
		Secrets: []string{secret}, Scheme: scheme, OnError: func(_ *http.Request, err error) { got.why = err },
	})
	if err != nil {
		t.Fatal(err)
	}
	w := httptest.NewRecorder()
	verified(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		got.event, _ = signature.EventFrom(r.Context())
	})).ServeHTTP(w, r)
	got.status = w.Code
	return got
}

func TestNewRequest(t *testing.T) {
	t.Parallel()

	t.Run("IsWhatPostriderSends", func(t *testing.T) {
		t.Parallel()
		payload := map[string]any{"title": "<é> & co", "id": 12345678901}
		r := hooktest.NewRequest(t, secret, "post.created", payload, hooktest.EventID("evt_1"), hooktest.Attempt(3))
		body, err := r.GetBody()
		if err != nil {
			t.Fatal(err)
		}
		sent, err := io.ReadAll(body)
		if err != nil {
			t.Fatal(err)
		}
		got := serve(t, signature.SchemeBoth, r)
		if got.status != http.StatusOK {
			t.Fatalf("answer %d: %v", got.status, got.why)
		}
		e := got.event
		want := webhook.EncodeBody("evt_1", "post.created", e.CreatedAt, e.Data, webhook.WorkspaceID(e.WorkspaceID))
		if string(sent) != string(want) || string(e.Data) != `{"id":12345678901,"title":"<é> & co"}` {
			t.Errorf("sent %s, want %s", sent, want)
		}
		if e.ID != "evt_1" || e.Type != "post.created" || e.Attempt != 3 || e.DeliveryID != "dlv_1" || time.Since(e.CreatedAt) > time.Minute {
			t.Errorf("got %+v", e)
		}
		if len(r.Header) != 11 || r.Header.Get("Content-Type") != "application/json" {
			t.Errorf("headers: %v", r.Header)
		}
	})

	t.Run("HasAnIDOfItsOwn", func(t *testing.T) {
		t.Parallel()
		ids := map[string]bool{}
		for range 3 {
			ids[serve(t, signature.SchemeBoth, hooktest.NewRequest(t, secret, "a.b", struct{}{})).event.ID] = true
		}
		if len(ids) != 3 || ids[""] {
			t.Errorf("ids: %v", ids)
		}
	})

	t.Run("TakesJSONAsItIs", func(t *testing.T) {
		t.Parallel()
		r := hooktest.NewRequest(t, secret, "a.b", json.RawMessage(`{ "b": 1.0, "a": 1e3 }`))
		if e := serve(t, signature.SchemeBoth, r).event; string(e.Data) != `{"b":1.0,"a":1e3}` {
			t.Errorf("got %s", e.Data)
		}
	})

	t.Run("RefusesWhatPostriderWould", func(t *testing.T) {
		t.Parallel()
		for _, payload := range []any{nil, 1, "x", []int{1}, make(chan int), json.RawMessage(`{`)} {
			said := fatally(t, func(t testing.TB) { hooktest.NewRequest(t, secret, "a.b", payload) })
			if !strings.Contains(said, "no JSON object") {
				t.Errorf("%v: said %q", payload, said)
			}
		}
		if said := fatally(t, func(t testing.TB) { hooktest.NewRequest(t, "plain", "a.b", struct{}{}) }); !strings.Contains(said, "whsec_") {
			t.Errorf("said %q", said)
		}
	})
}

func TestMistakes(t *testing.T) {
	t.Parallel()
	wants := map[hooktest.Mistake]error{
		hooktest.WrongSecret:        signature.ErrWrongSecret,
		hooktest.ChangedBody:        signature.ErrMismatch,
		hooktest.ReformattedBody:    signature.ErrBodyChanged,
		hooktest.EmptyBody:          signature.ErrBodyChanged,
		hooktest.HugeBody:           signature.ErrUnreadableBody,
		hooktest.Stale:              signature.ErrTooOld,
		hooktest.FromTheFuture:      signature.ErrTooNew,
		hooktest.ChangedID:          signature.ErrHeaderChanged,
		hooktest.NoSignature:        signature.ErrMissingHeader,
		hooktest.MalformedSignature: signature.ErrMalformedHeader,
	}
	if len(wants) != len(hooktest.Mistakes()) {
		t.Errorf("%d mistakes, %d wants", len(hooktest.Mistakes()), len(wants))
	}
	for _, m := range hooktest.Mistakes() {
		for scheme := range signature.SchemeBoth + 1 {
			t.Run(m.String()+"/"+scheme.String(), func(t *testing.T) {
				t.Parallel()
				got := serve(t, scheme, hooktest.NewRequest(t, secret, "post.created", map[string]int{"id": 1}, m))
				status := http.StatusUnauthorized
				if m == hooktest.HugeBody {
					status = http.StatusRequestEntityTooLarge
				}
				if got.status != status || !errors.Is(got.why, wants[m]) {
					t.Errorf("answer %d: %v; want %d: %v", got.status, got.why, status, wants[m])
				}
			})
		}
	}
}

func TestMistakesOfOneScheme(t *testing.T) {
	t.Parallel()
	for m, refuses := range map[hooktest.Mistake][]bool{ // auto, standard, body, both
		hooktest.NoStandardHeaders: {false, true, false, true},
		hooktest.NoBodySignature:   {false, false, true, true},
	} {
		for scheme, refused := range refuses {
			got := serve(t, signature.Scheme(scheme), hooktest.NewRequest(t, secret, "a.b", struct{}{}, m))
			if errors.Is(got.why, signature.ErrMissingHeader) != refused || (got.status == http.StatusOK) == refused {
				t.Errorf("%s, %s: answer %d: %v", m, signature.Scheme(scheme), got.status, got.why)
			}
		}
	}
	both := hooktest.NewRequest(t, secret, "a.b", struct{}{}, hooktest.WrongSecret, hooktest.Stale)
	if got := serve(t, signature.SchemeStandard, both); !errors.Is(got.why, signature.ErrTooOld) {
		t.Errorf("two mistakes: %v", got.why)
	}
	if got := serve(t, signature.SchemeBoth, hooktest.NewRequest(t, another, "a.b", struct{}{})); !errors.Is(got.why, signature.ErrWrongSecret) {
		t.Errorf("another's secret: %v", got.why)
	}
}
