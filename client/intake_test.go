package client

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
)

// intake is an API that takes batches, but no event whose type is "bad", and none
// with an id twice.
type intake struct {
	mu       sync.Mutex
	batches  [][]string // the payloads' n of each request
	keys     []string
	accepted []string
	ids      map[string]bool
	// answer is given in place of that where it is not nil and returns one.
	answer func(request int, events []sent) *step
}

type sent struct {
	ID   string         `json:"id"`
	Type string         `json:"type"`
	Data map[string]any `json:"data"`
}

func (a *intake) RoundTrip(r *http.Request) (*http.Response, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	var in struct{ Events []sent }
	if err := json.NewDecoder(r.Body).Decode(&in); err != nil {
		return nil, err
	}
	var batch []string
	for _, e := range in.Events {
		batch = append(batch, fmt.Sprint(e.Data["n"]))
	}
	a.batches, a.keys = append(a.batches, batch), append(a.keys, r.Header.Get("Idempotency-Key"))
	if a.answer != nil {
		if st := a.answer(len(a.batches), in.Events); st != nil {
			s := &script{steps: []step{*st}}
			return s.RoundTrip(r)
		}
	}
	return a.take(r, in.Events, batch)
}

func (a *intake) take(r *http.Request, events []sent, batch []string) (*http.Response, error) {
	var out []string
	var bad []FieldError
	for i, e := range events {
		if e.Type == "bad" {
			bad = append(bad, FieldError{fmt.Sprintf("/events/%d/type", i), "is bad"}, FieldError{fmt.Sprintf("/events/%d", i), "is no good"})
		}
		out = append(out, fmt.Sprintf(`{"id":%q,"deliveries":1}`, e.ID))
	}
	st := step{status: 202, body: `{"data":[` + strings.Join(out, ",") + `]}`}
	if bad != nil {
		raw, err := json.Marshal(Error{Status: 422, Code: CodeInvalid, Detail: "no", Errors: bad})
		if err != nil {
			return nil, err
		}
		st = step{status: 422, body: string(raw)}
	} else {
		for i, e := range events {
			if !a.ids[e.ID] {
				a.accepted = append(a.accepted, batch[i])
			}
			a.ids[e.ID] = true
		}
	}
	s := &script{steps: []step{st}}
	return s.RoundTrip(r)
}

// batching is a batcher on an intake, with what its callback was told.
type batching struct {
	*Batcher
	intake *intake
	failed []string
}

func (b *batching) dispatch(t *testing.T, eventType string, ns ...int) {
	t.Helper()
	for _, n := range ns {
		if err := b.Dispatch(t.Context(), eventType, map[string]any{"n": n}); err != nil {
			t.Fatal(err)
		}
	}
}

func newBatching(t *testing.T, cfg BatcherConfig) *batching {
	t.Helper()
	b := &batching{intake: &intake{ids: map[string]bool{}}}
	cfg.OnError = func(e NewEvent, err error) {
		b.failed = append(b.failed, fmt.Sprintf("%s: %v", e.Data, err))
	}
	c := NewWith("http://api.test", "", Config{HTTPClient: &http.Client{Transport: b.intake}, MaxRetries: -1, jitter: func() float64 { return 0 }})
	b.Batcher = c.NewBatcher(cfg)
	t.Cleanup(func() { b.Close(context.Background()) })
	return b
}

func (b *batching) sees(t *testing.T, want string) {
	t.Helper()
	synctest.Wait()
	b.intake.mu.Lock()
	defer b.intake.mu.Unlock()
	if got := fmt.Sprint(b.intake.batches); got != want {
		t.Errorf("the API got %s, want %s", got, want)
	}
}

// inTime runs a part in a synthetic time.
func inTime(t *testing.T, name string, part func(t *testing.T)) {
	t.Helper()
	t.Run(name, func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, part)
	})
}
