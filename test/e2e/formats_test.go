package e2e

import (
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/postrider/postrider/signature"
	"github.com/postrider/postrider/test/e2e/stack"
)

// formatted is a receiver of any format, which fails the first request and keeps
// what it got: content type and body.
type formatted struct {
	url string
	mu  sync.Mutex
	got []string
}

func newFormatted(t *testing.T, secret string) *formatted {
	t.Helper()
	f := &formatted{}
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		err = errors.Join(err, signature.Verify(body, r.Header.Get(signature.HeaderSignature), secret),
			signature.VerifyStandard(r.Header, body, []string{secret}, 0, time.Now()))
		f.mu.Lock()
		defer f.mu.Unlock()
		if err != nil {
			t.Errorf("%s is not signed as it should be: %v", body, err)
		}
		if f.got = append(f.got, r.Header.Get("Content-Type")+" "+string(body)); len(f.got) == 1 {
			w.WriteHeader(http.StatusInternalServerError)
		}
	}))
	t.Cleanup(srv.Close)
	f.url = srv.URL
	return f
}

func (f *formatted) received() []string {
	f.mu.Lock()
	defer f.mu.Unlock()
	return slices.Clone(f.got)
}

// Each format is what was published, signed, and the same at every attempt; a
// change holds from the next request on.
func TestFormats(t *testing.T) {
	t.Parallel()
	const secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
	s := stack.New(t)
	api := s.API(t)
	s.Worker(t)
	s.Scheduler(t)
	c := s.Workspace(t, api)
	wants := map[string]string{
		"standard": `application/json {"id":"e1","type":"post.created","created_at":"2024-01-15T10:30:00Z","data":{"object":{"n":1.0}},"workspace_id":`,
		"raw":      `application/json {"n":1.0}`,
		"cloudevents": `application/cloudevents+json; charset=utf-8 {"specversion":"1.0","id":"e1","source":"/workspaces/WS","type":"post.created",` +
			`"time":"2024-01-15T10:30:00Z","datacontenttype":"application/json","workspaceid":"WS","data":{"n":1.0}}`,
	}
	receivers, endpoints := map[string]*formatted{}, map[string]stack.Endpoint{}
	for format := range wants {
		receivers[format] = newFormatted(t, secret)
		var e stack.Endpoint
		c.Call(t, http.MethodPost, "/v1/endpoints", stack.Settings{
			"url": receivers[format].url, "events": []string{"*"}, "secret": secret, "retry_schedule": []int{1}, "format": format,
		}, http.StatusCreated, &e)
		endpoints[format] = e
	}
	var accepted struct {
		WorkspaceID string `json:"workspace_id"`
	}
	c.Call(t, http.MethodPost, "/v1/events", map[string]any{
		"type": "post.created", "id": "e1", "created_at": "2024-01-15T10:30:00Z", "data": json.RawMessage(`{"n":1.0}`),
	}, http.StatusAccepted, &accepted)
	c.WaitSettled(t)
	for format, want := range wants {
		want = strings.ReplaceAll(want, "WS", accepted.WorkspaceID)
		got := receivers[format].received()
		if len(got) != 2 || !strings.HasPrefix(got[0], want) || got[0] != got[1] {
			t.Errorf("%s got %q, want twice %q", format, got, want)
		}
	}
	c.Call(t, http.MethodPatch, "/v1/endpoints/"+endpoints["raw"].ID, map[string]any{"format": "cloudevents"}, http.StatusOK, nil)
	c.Call(t, http.MethodPost, "/v1/endpoints/"+endpoints["raw"].ID+"/test", nil, http.StatusOK, nil)
	if got := receivers["raw"].received(); len(got) != 3 || !strings.Contains(got[2], `"type":"webhook.test"`) || !strings.HasPrefix(got[2], "application/cloudevents+json") {
		t.Errorf("after the change came %q", got)
	}
}
