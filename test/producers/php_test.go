package producers

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/postrider/postrider/test/e2e/stack"
	"github.com/postrider/postrider/test/pinned"
)

const php = "../../examples/producers/php"

// publish runs the example with an API's address and a key.
func publish(t *testing.T, url, key string, args ...string) (string, error) {
	t.Helper()
	env := append(stack.CleanEnv(), "POSTRIDER_URL="+url, "POSTRIDER_KEY="+key)
	return pinned.Try(t, php, env, "php", append([]string{"publish.php"}, args...)...)
}

func TestPHP(t *testing.T) {
	t.Parallel()
	s := stack.New(t)
	api := s.API(t)
	s.Worker(t)
	c := s.Workspace(t, api)
	r := stack.NewReceiver(t)
	c.Endpoint(t, r, "/", stack.Settings{"events": []string{"post.*"}})

	t.Run("PublishesWhatAReceiverVerifiesOnceForAnID", func(t *testing.T) {
		for range 2 {
			said, err := publish(t, api.URL, c.Key(), "post.created", `{"price":1.0,"path":"a/b","name":"é","empty":{}}`, "post-1-created")
			if err != nil || said != "post-1-created goes to 1 endpoints\n" {
				t.Fatalf("it said %q, %v", said, err)
			}
		}
		r.WaitFor(t, "/", "post-1-created")
		c.WaitSettled(t)
		r.WantOnce(t, "/", "post-1-created")
		if body := string(r.Arrivals("/")[0].Body); !strings.Contains(body, `"object":{"price":1.0,"path":"a/b","name":"é","empty":{}}`) {
			t.Errorf("the payload arrived as %s", body)
		}
	})
	t.Run("SaysWhichFieldOfARefusedEventIsWrong", func(t *testing.T) {
		said, err := publish(t, api.URL, c.Key(), "no type", "{}")
		if err == nil || !strings.Contains(said, "not accepted (invalid") || !strings.Contains(said, "/type: ") {
			t.Errorf("it said %q, %v", said, err)
		}
	})
	t.Run("SaysThatAKeyIsWrongAndNotTheKey", func(t *testing.T) {
		said, err := publish(t, api.URL, "pr_nobodys", "post.created", "{}")
		if err == nil || !strings.Contains(said, "not accepted (unauthorized") || strings.Contains(said, "pr_nobodys") {
			t.Errorf("it said %q, %v", said, err)
		}
	})
}

// failing is an API whose answers are those of a script; the last one goes on.
type failing struct {
	url   string
	mutex sync.Mutex
	tries []string // event id, type and authorization of each
}

func (f *failing) tried() []string {
	f.mutex.Lock()
	defer f.mutex.Unlock()
	return slices.Clone(f.tries)
}

func newFailing(t *testing.T, script ...http.HandlerFunc) *failing {
	t.Helper()
	f := &failing{}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		var event struct{ ID, Type string }
		if err := json.NewDecoder(http.MaxBytesReader(w, req.Body, 1<<20)).Decode(&event); err != nil {
			t.Error(err)
		}
		f.mutex.Lock()
		f.tries = append(f.tries, event.ID+" "+event.Type+" "+req.Header.Get("Authorization"))
		step := script[min(len(f.tries), len(script))-1]
		f.mutex.Unlock()
		step(w, req)
	}))
	t.Cleanup(server.Close)
	f.url = server.URL
	return f
}

func away(status int, retryAfter string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Retry-After", retryAfter)
		w.Header().Set("Content-Type", "application/problem+json")
		w.WriteHeader(status)
		fmt.Fprintf(w, `{"status":%d,"code":"unavailable","detail":"Postgres is away"}`, status)
	}
}

func cut(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }

func accept(w http.ResponseWriter, _ *http.Request) {
	w.WriteHeader(http.StatusAccepted)
	fmt.Fprint(w, `{"id":"evt_1","type":"post.created","created_at":"2026-01-01T00:00:00Z","deliveries":2}`)
}

func TestPHPTries(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		claim  string
		script []http.HandlerFunc
		tries  int
		said   string
	}{
		{"AgainAfterA503ADroppedConnectionAndA429", []http.HandlerFunc{away(503, "0"), cut, away(429, "0"), accept}, 4, "evt_1 goes to 2 endpoints"},
		{"AgainWhereAnAnswerIsNobodys", []http.HandlerFunc{func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusOK) }, accept}, 2, "evt_1 goes to 2 endpoints"},
		{"FourTimesAtMost", []http.HandlerFunc{away(503, "0")}, 4, "not accepted (unavailable: Postgres is away)"},
		{"NotAgainBeforeALongRetryAfter", []http.HandlerFunc{away(503, "3600")}, 1, "not accepted (unavailable: Postgres is away)"},
		{"NotAgainWhereItIsRefused", []http.HandlerFunc{away(422, "0")}, 1, "not accepted (unavailable"},
	} {
		t.Run(c.claim, func(t *testing.T) {
			t.Parallel()
			f := newFailing(t, c.script...)
			said, err := publish(t, f.url, "pr_secret", "post.created", `{"id":123}`)
			if accepted := strings.Contains(c.said, "goes to"); !strings.Contains(said, c.said) || (err == nil) != accepted {
				t.Errorf("it said %q, %v; want %q", said, err, c.said)
			}
			tried := f.tried()
			if len(tried) != c.tries {
				t.Fatalf("it tried %d times, want %d", len(tried), c.tries)
			}
			for _, try := range tried {
				if try != tried[0] || !strings.HasPrefix(try, "evt_") || !strings.HasSuffix(try, " post.created Bearer pr_secret") {
					t.Errorf("tries differ: %q and %q", tried[0], try)
				}
			}
			if strings.Contains(said, "pr_secret") {
				t.Error("it showed its key")
			}
		})
	}
}
