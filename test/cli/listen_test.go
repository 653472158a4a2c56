package cli

import (
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/postrider/postrider/signature"
	"github.com/postrider/postrider/test/e2e/stack"
)

// local is a developer's own server, which verifies what comes.
type local struct {
	t   *testing.T
	mu  sync.Mutex
	ids []string
	got []http.Header
}

func (l *local) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	err = errors.Join(err, signature.VerifyStandard(r.Header, body, []string{secret}, time.Minute, time.Now()),
		signature.Verify(body, r.Header.Get("X-Webhook-Signature"), secret))
	if err != nil {
		l.t.Error(err)
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.ids, l.got = append(l.ids, r.Header.Get("X-Webhook-ID")), append(l.got, r.Header)
	if r.Header.Get("X-Webhook-Event") == "post.refused" {
		w.WriteHeader(http.StatusTeapot)
		io.WriteString(w, hostile)
	}
}

func (l *local) seen() []string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return slices.Clone(l.ids)
}

func newLocal(t *testing.T) (l *local, url string) {
	t.Helper()
	l = &local{t: t}
	srv := httptest.NewServer(l)
	t.Cleanup(srv.Close)
	return l, srv.URL
}

// publishAs publishes an event under an id.
func publishAs(t *testing.T, c stack.Client, eventType, id string) {
	t.Helper()
	c.Call(t, http.MethodPost, "/v1/events", map[string]any{"type": eventType, "id": id, "data": map[string]any{"id": id}}, http.StatusAccepted, nil)
}

func says(t *testing.T, p *stack.Process, part string) {
	t.Helper()
	stack.Eventually(t, "it says "+part, func() bool { return strings.Contains(p.Said(t), part) })
}

func TestListen(t *testing.T) {
	t.Parallel()
	s := stack.New(t)
	first := s.API(t)

	t.Run("ForwardsWhatADeliveryWouldBeInOrder", func(t *testing.T) {
		t.Parallel()
		c := s.Workspace(t, first)
		l, url := newLocal(t)
		p := start(t, s, first, c, "listen", "--forward-to", url+"/webhooks", "--types", "post.*", "--secret", secret, "--header", "X-Own: a", "-o", "table")
		says(t, p, "Ready")
		var want []string
		for n := range 20 {
			publishAs(t, c, "user.created", fmt.Sprint("other-", n))
			publishAs(t, c, "post.created", fmt.Sprint("post-", n))
			want = append(want, fmt.Sprint("post-", n))
		}
		publishAs(t, c, "post.refused", "refused")
		says(t, p, "post.refused refused → 418 in ")
		if got := l.seen(); !slices.Equal(got, append(want, "refused")) {
			t.Errorf("got %v", got)
		}
		for name, pattern := range map[string]string{
			"Content-Type": "application/json", "X-Webhook-Event": "post.created", "X-Webhook-Attempt": "1", "X-Webhook-Delivery": "dlv_0",
			"X-Own": "a", "User-Agent": "Postrider/",
		} {
			if got := l.got[0].Get(name); !strings.HasPrefix(got, pattern) {
				t.Errorf("%s is %q", name, got)
			}
		}
		if said := p.Said(t); !strings.Contains(said, "post.created post-0 → 200 in ") || strings.Contains(said, "\x1b") || strings.Contains(said, secret) {
			t.Errorf("says %s", said)
		}
		p.Signal(t, syscall.SIGINT)
		if code := p.ExitCode(t); code != 130 {
			t.Errorf("exit code %d", code)
		}
	})

	t.Run("SignsWithASecretOfItsOwnThatItSays", func(t *testing.T) {
		t.Parallel()
		c := s.Workspace(t, first)
		var mu sync.Mutex
		var header http.Header
		var body []byte
		srv := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
			mu.Lock()
			defer mu.Unlock()
			header = r.Header
			body, _ = io.ReadAll(r.Body)
		}))
		t.Cleanup(srv.Close)
		p := start(t, s, first, c, "listen", "--forward-to", strings.TrimPrefix(srv.URL, "http://"), "--format", "raw")
		says(t, p, "signed with whsec_")
		_, rest, _ := strings.Cut(p.Said(t), "signed with ")
		own, _, _ := strings.Cut(rest, " ")
		publishAs(t, c, "post.created", "one")
		says(t, p, `"event_id":"one","type":"post.created","forwarded":true,"status_code":200`)
		mu.Lock()
		defer mu.Unlock()
		if err := signature.VerifyStandard(header, body, []string{own}, time.Minute, time.Now()); err != nil || string(body) != `{"id":"one"}` {
			t.Errorf("got %s: %v", body, err)
		}
	})

	t.Run("ForwardsWhatAnEndpointWantsWithItsSecret", func(t *testing.T) {
		t.Parallel()
		c := s.Workspace(t, first)
		l, url := newLocal(t)
		var e stack.Endpoint
		c.Call(t, http.MethodPost, "/v1/endpoints", stack.Settings{
			"url": "http://127.0.0.1:9/", "events": []string{"post.*"}, "filters": map[string]any{"id": "wanted"}, "format": "cloudevents", "secret": secret,
		}, http.StatusCreated, &e)
		p := start(t, s, first, c, "listen", "--endpoint", e.ID, "--endpoint-secret", "--forward-to", url)
		says(t, p, "Ready")
		publishAs(t, c, "post.created", "unwanted")
		publishAs(t, c, "post.created", "wanted")
		says(t, p, `"event_id":"wanted"`)
		if got := l.seen(); !slices.Equal(got, []string{"wanted"}) || l.got[0].Get("Content-Type") != "application/cloudevents+json; charset=utf-8" {
			t.Errorf("got %v, %v", got, l.got)
		}
	})

	t.Run("ShowsWhatFailedAndGoesOn", func(t *testing.T) {
		t.Parallel()
		c := s.Workspace(t, first)
		addr := stack.FreeAddr(t)
		p := start(t, s, first, c, "listen", "--forward-to", "http://"+addr, "--secret", secret, "-o", "table")
		says(t, p, "Ready")
		publishAs(t, c, "post.created", "one")
		says(t, p, "post.created one → failed: refused: nobody listens at http://"+addr)
		l := &local{t: t}
		lis, err := net.Listen("tcp", addr)
		if err != nil {
			t.Fatal(err)
		}
		srv := &httptest.Server{Listener: lis, Config: &http.Server{Handler: l, ReadHeaderTimeout: time.Minute}}
		srv.Start()
		t.Cleanup(srv.Close)
		publishAs(t, c, "post.created", "two")
		says(t, p, "post.created two → 200 in ")
		if got := l.seen(); !slices.Equal(got, []string{"two"}) {
			t.Errorf("got %v", got)
		}
	})

	// Events come through one API, the listener hangs on another that is killed, and is
	// killed itself.
	t.Run("LosesNothingWhileTheAPIOrItselfIsAway", func(t *testing.T) {
		t.Parallel()
		addr := stack.FreeAddr(t)
		api := func() *stack.Process {
			p := s.Launch(t, "api", "POSTRIDER_API_LISTEN="+addr)
			p.URL = "http://" + addr
			s.WaitReady(t, p)
			return p
		}
		second := api()
		c := s.Workspace(t, first)
		l, url := newLocal(t)
		args := []string{"listen", "--forward-to", url, "--secret", secret, "--position-file", filepath.Join(t.TempDir(), "position")}
		p := start(t, s, second, c, args...)
		says(t, p, "Ready")
		n := 0
		publish := func() {
			t.Helper()
			for range 10 {
				publishAs(t, c, "post.created", fmt.Sprint("e", n))
				n++
			}
		}
		all := func() {
			t.Helper()
			stack.Eventually(t, fmt.Sprint(n, " events are there"), func() bool {
				seen := l.seen()
				for i := range n {
					if !slices.Contains(seen, fmt.Sprint("e", i)) {
						return false
					}
				}
				return true
			})
		}
		publish()
		all()
		second.Kill(t)
		publish()
		says(t, p, "The stream broke off")
		second = api()
		publish()
		all()
		says(t, p, "The stream is back.")
		p.Kill(t)
		publish()
		start(t, s, second, c, args...)
		publish()
		all()
	})
}

func TestTail(t *testing.T) {
	t.Parallel()
	s := stack.New(t)
	api := s.API(t)
	s.Worker(t)
	c := s.Workspace(t, api)
	_, url := newLocal(t)
	c.Call(t, http.MethodPost, "/v1/endpoints", stack.Settings{"url": url, "events": []string{"*"}, "secret": secret, "retry_schedule": []int{}}, http.StatusCreated, nil)
	lines := start(t, s, api, c, "tail", "-o", "table", "--types", "post.*")
	failed := start(t, s, api, c, "tail", "--failed")
	says(t, lines, "Ready")
	says(t, failed, "Ready")
	n := 0
	publish := func(eventType string) {
		n++
		publishAs(t, c, eventType, fmt.Sprint("e", n))
	}
	// The worker notices within a second that somebody watches.
	stack.Eventually(t, "attempts are shown", func() bool {
		publish("post.refused")
		return strings.Contains(lines.Said(t), "418") && strings.Contains(failed.Said(t), `"status_code":418`)
	})
	publish("user.created")
	publish("post.created")
	says(t, lines, fmt.Sprintf("post.created e%d → ep_", n))
	publish("post.refused")
	says(t, failed, fmt.Sprintf(`"event_id":"e%d"`, n))
	if strings.Contains(lines.Said(t), "user.created") {
		t.Errorf("shows other types: %s", lines.Said(t))
	}
	for line := range strings.Lines(failed.Said(t)) {
		if strings.HasPrefix(line, "{") && !strings.Contains(line, `"error_class":"status"`) {
			t.Errorf("shows %s", line)
		}
	}

	s.Redis.Stop()
	says(t, lines, "Some attempts may not have been shown")
	if err := s.Redis.Start(); err != nil {
		t.Fatal(err)
	}
	before := strings.Count(lines.Said(t), "post.created")
	stack.Eventually(t, "attempts are shown again", func() bool {
		publish("post.created")
		return strings.Count(lines.Said(t), "post.created") > before
	})
}
