package stack

import (
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"strings"
	"testing"
)

// Key is a workspace's key as its creation shows it.
type Key struct{ ID, Key string }

// Endpoint is one as its creation shows it.
type Endpoint struct{ ID, Secret string }

// Event is one as its acceptance shows it.
type Event struct {
	ID         string
	Deliveries int
}

// Delivery is one as the API shows it.
type Delivery struct {
	ID, Status string
	Attempts   int
	StatusCode int    `json:"status_code"`
	EventID    string `json:"event_id"`
}

// Attempt is one as the API shows it.
type Attempt struct {
	Number     int
	StatusCode int    `json:"status_code"`
	ErrorClass string `json:"error_class"`
	SignedWith string `json:"signed_with"`
}

// Workspace makes a workspace and calls the API with a key of it.
func (s *Stack) Workspace(t testing.TB, api *Process) Client {
	t.Helper()
	id := "ws-" + strings.ToLower(rand.Text()[:10])
	s.Admin(api).Call(t, http.MethodPost, "/v1/workspaces", map[string]any{"id": id, "name": t.Name()}, http.StatusCreated, nil)
	return s.Client(api, s.NewKey(t, api, id).Key)
}

// NewKey makes a key of a workspace.
func (s *Stack) NewKey(t testing.TB, api *Process, workspace string) (k Key) {
	t.Helper()
	s.Admin(api).Call(t, http.MethodPost, "/v1/workspaces/"+workspace+"/keys", map[string]any{"name": t.Name()}, http.StatusCreated, &k)
	return k
}

// Settings are fields of an endpoint or a patch of it.
type Settings map[string]any

// Endpoint makes an endpoint at a path of the receiver, which knows its secret
// from then on. It wants everything unless the settings say otherwise.
func (c Client) Endpoint(t testing.TB, r *Receiver, path string, settings Settings) (e Endpoint) {
	t.Helper()
	in := Settings{"url": r.URL + path, "events": []string{"*"}}
	maps.Copy(in, settings)
	c.Call(t, http.MethodPost, "/v1/endpoints", in, http.StatusCreated, &e)
	r.Knows(path, e.Secret)
	return e
}

// Publish publishes an event, which must be accepted.
func (c Client) Publish(t testing.TB, eventType string) (e Event) {
	t.Helper()
	in := map[string]any{"type": eventType, "data": map[string]any{"test": t.Name()}}
	c.Call(t, http.MethodPost, "/v1/events", in, http.StatusAccepted, &e)
	return e
}

// PublishBatch publishes n events at once and returns their ids.
func (c Client) PublishBatch(t testing.TB, eventType string, n int) []string {
	t.Helper()
	a, err := c.TryBatch(t, eventType, n)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

// ErrUnavailable is a 503: try again later.
var ErrUnavailable = errors.New("unavailable")

// TryBatch is PublishBatch for any goroutine.
func (c Client) TryBatch(t testing.TB, eventType string, n int) ([]string, error) {
	events := make([]map[string]any, n)
	for i := range events {
		events[i] = map[string]any{"type": eventType, "data": map[string]any{"n": i}}
	}
	a, err := c.Try(t.Context(), http.MethodPost, "/v1/events/batch", map[string]any{"events": events})
	if err != nil {
		return nil, err
	}
	if a.Status == http.StatusServiceUnavailable {
		return nil, fmt.Errorf("%w: publish %d events: %s", ErrUnavailable, n, a)
	}
	if a.Status != http.StatusAccepted {
		return nil, fmt.Errorf("publish %d events: %s", n, a)
	}
	var out struct{ Data []Event }
	if err := json.Unmarshal(a.Body, &out); err != nil || len(out.Data) != n {
		return nil, fmt.Errorf("publish %d events: %w: %s", n, err, a)
	}
	ids := make([]string, n)
	for i := range ids {
		ids[i] = out.Data[i].ID
	}
	return ids, nil
}

// Deliveries are those of an event.
func (c Client) Deliveries(t testing.TB, event string) []Delivery {
	t.Helper()
	var out struct{ Data []Delivery }
	c.Call(t, http.MethodGet, "/v1/events/"+event+"/deliveries?limit=250", nil, http.StatusOK, &out)
	return out.Data
}

// Attempts are those of a delivery, newest first.
func (c Client) Attempts(t testing.TB, delivery string) []Attempt {
	t.Helper()
	var out struct{ Data []Attempt }
	c.Call(t, http.MethodGet, "/v1/deliveries/"+delivery+"/attempts?limit=250", nil, http.StatusOK, &out)
	return out.Data
}

// WithStatus are the newest deliveries of the workspace in a state, 250 at most.
func (c Client) WithStatus(t testing.TB, status string) []Delivery {
	t.Helper()
	var out struct{ Data []Delivery }
	c.Call(t, http.MethodGet, "/v1/deliveries?limit=250&status="+status, nil, http.StatusOK, &out)
	return out.Data
}

// WaitSettled waits until nothing of the workspace is pending: from then on no
// request is begun any more. One that is under way, for a delivery that was taken
// from its worker and made elsewhere, may still arrive.
func (c Client) WaitSettled(t testing.TB) {
	t.Helper()
	Eventually(t, "nothing is pending", func() bool { return len(c.WithStatus(t, "pending")) == 0 })
}
