package receivers

import (
	"bytes"
	"net"
	"net/http"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/postrider/postrider/test/e2e/stack"
	"github.com/postrider/postrider/test/pinned"
)

const examples = "../../examples/receivers"

// express is what the example in Express needs.
var express = pinned.Node("express", filepath.Join(examples, "express"))

// language is one that there is a receiver in: its programs for an address to listen
// at, whose last arguments are files of the examples, and what they want in their
// environment.
type language struct {
	name     string
	programs func(addr string) [][]string
	env      []string
}

func languages(t *testing.T) []language {
	t.Helper()
	always := func(program ...string) func(string) [][]string {
		return func(string) [][]string { return [][]string{slices.Clone(program)} }
	}
	php := func(addr string) [][]string {
		return [][]string{{"php", "-d", "log_errors=On", "-S", addr, "php/receiver.php"}, {"php", "php/worker.php"}}
	}
	return []language{
		{"PHP", php, nil},
		{"Node", always("node", "node/receiver.js"), nil},
		{"Express", always("node", "express/receiver.js"), []string{"NODE_PATH=" + express.Modules(t)}},
		{"Python", always("python3", "python/receiver.py"), []string{"PYTHONDONTWRITEBYTECODE=1"}},
		{"Go", always(build(t)), nil},
	}
}

// build builds the example in Go, with the race detector in it where the test has it.
func build(t *testing.T) string {
	t.Helper()
	args := []string{"build", "-o", filepath.Join(t.TempDir(), "receiver")}
	if stack.Race {
		args = append(args, "-race")
	}
	pinned.Run(t, ".", nil, "go", append(args, examples+"/go")...)
	return args[2]
}

// receiver is one of the examples, with its address and its directory.
type receiver struct {
	programs  [][]string
	env       []string
	addr, url string
	running   []*stack.Process
	all       []*stack.Process
}

// newReceiver prepares one that does not run yet.
func newReceiver(t *testing.T, l language) *receiver {
	t.Helper()
	addr := stack.FreeAddr(t)
	_, port, err := net.SplitHostPort(addr)
	if err != nil {
		t.Fatal(err)
	}
	r := &receiver{addr: addr, url: "http://" + addr + "/webhooks"}
	r.env = append(append(stack.CleanEnv(), l.env...), "WEBHOOK_SECRET="+secret, "WEBHOOK_INBOX="+t.TempDir(), "PORT="+port)
	for _, p := range l.programs(addr) {
		if file := &p[len(p)-1]; len(p) > 1 {
			*file, err = filepath.Abs(filepath.Join(examples, *file))
		}
		if err != nil {
			t.Fatal(err)
		}
		r.programs = append(r.programs, p)
	}
	return r
}

// start starts it, with env over its own, and waits until it listens.
func (r *receiver) start(t *testing.T, env ...string) {
	t.Helper()
	for _, p := range r.programs {
		name := filepath.Base(p[len(p)-1])
		r.running = append(r.running, stack.Spawn(t, name, t.TempDir(), append(r.env, env...), p[0], p[1:]...))
	}
	r.all = append(r.all, r.running...)
	stack.Eventually(t, "the receiver listens", func() bool {
		r.wantAlive(t)
		conn, err := net.Dial("tcp", r.addr)
		if err == nil {
			conn.Close()
		}
		return err == nil
	})
}

// started is one that runs.
func started(t *testing.T, l language, env ...string) *receiver {
	t.Helper()
	r := newReceiver(t, l)
	r.start(t, env...)
	return r
}

// kill is kill -9 for each of its processes.
func (r *receiver) kill(t *testing.T) {
	t.Helper()
	for _, p := range r.running {
		p.Kill(t)
	}
	r.running = nil
}

func (r *receiver) wantAlive(t *testing.T) {
	t.Helper()
	for _, p := range r.running {
		if p.Ended() {
			t.Fatalf("%s ended by itself", p.Name)
		}
	}
}

// said is what all of its processes said since the first start.
func (r *receiver) said(t *testing.T) string {
	t.Helper()
	var all strings.Builder
	for _, p := range r.all {
		all.WriteString(p.Said(t))
	}
	return all.String()
}

// handled is how often an event was handled, by the receiver's own words.
func (r *receiver) handled(t *testing.T, event string) int {
	t.Helper()
	return strings.Count(r.said(t), "handled post.created "+event+"\n")
}

// waitHandled waits until each of the events was.
func (r *receiver) waitHandled(t *testing.T, events ...string) {
	t.Helper()
	for _, id := range events {
		stack.Eventually(t, id+" is handled", func() bool { return r.handled(t, id) > 0 })
	}
}

// endpoint subscribes the receiver.
func (r *receiver) endpoint(t *testing.T, c stack.Client, path, secret string) (e stack.Endpoint) {
	t.Helper()
	in := stack.Settings{"url": r.url + path, "events": []string{"post.*"}, "secret": secret, "retry_schedule": []int{}}
	c.Call(t, http.MethodPost, "/v1/endpoints", in, http.StatusCreated, &e)
	return e
}

// send posts a body with these headers and returns the status.
func (r *receiver) send(t *testing.T, body []byte, header http.Header) int {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, r.url, bytes.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	req.Header = header.Clone()
	// A connection of its own for each, as from a stranger.
	transport := &http.Transport{DisableKeepAlives: true}
	res, err := transport.RoundTrip(req)
	if err != nil {
		t.Errorf("no answer: %v", err)
		return 0
	}
	res.Body.Close()
	return res.StatusCode
}
