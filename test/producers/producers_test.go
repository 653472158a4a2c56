// Package producers tests the producers of examples/producers with real Postrider
// processes.
package producers

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"path/filepath"
	"slices"
	"testing"

	"github.com/postrider/postrider/internal/pgtest"
	"github.com/postrider/postrider/test/e2e/stack"
	"github.com/postrider/postrider/test/pinned"
)

func TestMain(m *testing.M) { stack.Main(m) }

// build builds the blog, with the race detector in it where the test has it.
func build(t *testing.T) string {
	t.Helper()
	args := []string{"build", "-o", filepath.Join(t.TempDir(), "blog")}
	if stack.Race {
		args = append(args, "-race")
	}
	pinned.Run(t, ".", nil, "go", append(args, "../../examples/producers/go")...)
	return args[2]
}

// blog is the example, with a database of its own.
type blog struct {
	program string
	env     []string
	addr    string
	*stack.Process
}

func newBlog(t *testing.T, program, api, key string) *blog {
	t.Helper()
	b := &blog{program: program, addr: stack.FreeAddr(t)}
	_, port, err := net.SplitHostPort(b.addr)
	if err != nil {
		t.Fatal(err)
	}
	b.env = append(stack.CleanEnv(), "DATABASE_URL="+pgtest.Empty(t), "POSTRIDER_URL="+api, "POSTRIDER_KEY="+key, "PORT="+port)
	return b
}

// start starts it and waits until it listens.
func (b *blog) start(t *testing.T) {
	t.Helper()
	b.Process = stack.Spawn(t, "blog", t.TempDir(), b.env, b.program)
	stack.Eventually(t, "the blog listens", func() bool {
		if b.Ended() {
			t.Fatalf("the blog ended: %s", b.Said(t))
		}
		conn, err := net.Dial("tcp", b.addr)
		if err == nil {
			conn.Close()
		}
		return err == nil
	})
}

// create creates a post, and returns the status.
func (b *blog) create(t *testing.T, title string) int {
	t.Helper()
	body, err := json.Marshal(map[string]string{"title": title})
	if err != nil {
		t.Fatal(err)
	}
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "http://"+b.addr+"/posts", bytes.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	res, err := (&http.Transport{DisableKeepAlives: true}).RoundTrip(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	if _, err := io.Copy(io.Discard, res.Body); err != nil {
		t.Fatal(err)
	}
	return res.StatusCode
}

func (b *blog) wantCreated(t *testing.T, title string) {
	t.Helper()
	if status := b.create(t, title); status != http.StatusCreated {
		t.Fatalf("%s: got %d", title, status)
	}
}

// TestGo is what examples/producers/README.md says of the blog in Go.
func TestGo(t *testing.T) {
	t.Parallel()
	s := stack.New(t)
	listen := stack.FreeAddr(t) // the same one when it comes back
	start := func() *stack.Process {
		api := s.Launch(t, "api", "POSTRIDER_API_LISTEN="+listen)
		api.URL = "http://" + listen
		s.WaitReady(t, api)
		return api
	}
	api := start()
	s.Worker(t)
	s.Scheduler(t)
	c := s.Workspace(t, api)
	r := stack.NewReceiver(t)
	c.Endpoint(t, r, "/", stack.Settings{"events": []string{"post.*"}})
	b := newBlog(t, build(t), api.URL, c.Key())
	b.start(t)

	b.wantCreated(t, "first")
	if status := b.create(t, "first"); status != http.StatusConflict {
		t.Errorf("the title again: got %d", status)
	}
	wantTitles(t, r, "first")

	api.Kill(t)
	b.wantCreated(t, "while Postrider is away")
	b.Kill(t)
	b.start(t)
	b.wantCreated(t, "after a kill")
	start()
	wantTitles(t, r, "first", "while Postrider is away", "after a kill")
	c.WaitSettled(t)
	wantTitles(t, r, "first", "while Postrider is away", "after a kill") // and nothing twice
	b.Terminate(t)
}

// wantTitles waits until as many posts arrived, and wants them to be these.
func wantTitles(t *testing.T, r *stack.Receiver, titles ...string) {
	t.Helper()
	stack.Eventually(t, fmt.Sprintf("%d posts arrive", len(titles)), func() bool { return len(r.Arrivals("/")) >= len(titles) })
	var got []string
	for _, a := range r.Arrivals("/") {
		var event struct {
			Type string
			Data struct{ Object struct{ Title string } }
		}
		if err := json.Unmarshal(a.Body, &event); err != nil {
			t.Fatal(err)
		}
		if event.Type != "post.created" {
			t.Errorf("got a %s", event.Type)
		}
		got = append(got, event.Data.Object.Title)
	}
	// In any order: each post has a key of its own.
	slices.Sort(got)
	slices.Sort(titles)
	if !slices.Equal(got, titles) {
		t.Errorf("got %q, want %q", got, titles)
	}
}
