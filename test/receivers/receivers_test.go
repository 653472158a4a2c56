// Package receivers tests receivers in several languages, as users would write
// them, against real Postrider processes.
package receivers

import (
	"bytes"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/postrider/postrider/signature"
	"github.com/postrider/postrider/test/e2e/stack"
)

func TestMain(m *testing.M) { stack.Main(m) }

const secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"

// languages say how a receiver is started that shall listen at addr.
var languages = map[string]func(addr string) (program string, args []string){
	"PHP": func(addr string) (string, []string) {
		return "php", []string{"-d", "log_errors=On", "-S", addr, "php/receiver.php"}
	},
	"Node": func(string) (string, []string) { return "node", []string{"node/receiver.js"} },
}

// receiver is a running one.
type receiver struct {
	*stack.Process
	url  string
	seen string // the directory where it remembers events
}

func start(t *testing.T, language string) receiver {
	t.Helper()
	addr := stack.FreeAddr(t)
	_, port, err := net.SplitHostPort(addr)
	if err != nil {
		t.Fatal(err)
	}
	wd, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	seen := t.TempDir()
	program, args := languages[language](addr)
	args[len(args)-1] = filepath.Join(wd, args[len(args)-1])
	env := append(stack.CleanEnv(), "WEBHOOK_SECRET="+secret, "WEBHOOK_SEEN="+seen, "PORT="+port)
	r := receiver{stack.Spawn(t, language, t.TempDir(), env, program, args...), "http://" + addr + "/webhooks", seen}
	stack.Eventually(t, language+" listens", func() bool {
		if r.Ended() {
			t.Fatalf("%s ended by itself", language)
		}
		conn, err := net.Dial("tcp", addr)
		if err == nil {
			conn.Close()
		}
		return err == nil
	})
	return r
}

// handled is how often an event was handled, by the receiver's own log.
func (r receiver) handled(t *testing.T, event string) int {
	t.Helper()
	return strings.Count(r.Said(t), "handled post.created "+event+"\n")
}

// send posts a body with these headers and returns the status.
func (r receiver) send(t *testing.T, body []byte, header http.Header) int {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, r.url, bytes.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	req.Header = header
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

// real is a request as Postrider makes it.
func realRequest(t *testing.T, _ *stack.Stack, c stack.Client) stack.Arrival {
	t.Helper()
	r := stack.NewReceiver(t)
	c.Endpoint(t, r, "/", stack.Settings{"secret": secret, "events": []string{"post.created"}})
	r.WaitFor(t, "/", c.Publish(t, "post.created").ID)
	return r.Arrivals("/")[0]
}

func TestReceiver(t *testing.T) {
	t.Parallel()
	for language := range languages {
		t.Run(language, func(t *testing.T) {
			t.Parallel()
			s := stack.New(t)
			api := s.API(t)
			s.Worker(t)
			// What an endpoint that fails does not get at once is parked, and released by this one.
			s.Scheduler(t)
			c := s.Workspace(t, api)
			t.Run("TakesWhatPostriderSends", func(t *testing.T) { takesWebhooks(t, c, language) })
			t.Run("IsTestedWithARealRequest", func(t *testing.T) { refusesForgeries(t, realRequest(t, s, c), language) })
		})
	}
}

func takesWebhooks(t *testing.T, c stack.Client, language string) {
	r := start(t, language)
	for path, given := range map[string]string{"": secret, "/with-another-secret": "whsec_" + strings.Repeat("A", 32)} {
		in := stack.Settings{"url": r.url + path, "events": []string{"post.*"}, "secret": given, "retry_schedule": []int{}}
		c.Call(t, http.MethodPost, "/v1/endpoints", in, http.StatusCreated, nil)
	}
	events := c.PublishBatch(t, "post.created", 20)
	c.WaitSettled(t)
	for _, id := range events {
		if n := r.handled(t, id); n != 1 {
			t.Errorf("%s was handled %d times", id, n)
		}
		codes := map[int]int{}
		for _, d := range c.Deliveries(t, id) {
			codes[d.StatusCode]++
		}
		if codes[http.StatusNoContent] != 1 || codes[http.StatusUnauthorized] != 1 {
			t.Errorf("%s got %v, want one 204 and, for the wrong secret, one 401", id, codes)
		}
	}
}

func refusesForgeries(t *testing.T, a stack.Arrival, language string) {
	r := start(t, language)
	with := func(name string, values ...string) http.Header {
		h := a.Header.Clone()
		h[http.CanonicalHeaderKey(name)] = values
		return h
	}
	right := a.Header.Get(signature.HeaderSignature)
	tampered := bytes.Replace(a.Body, []byte("post.created"), []byte("post.deleted"), 1)
	forgeries := []struct {
		name   string
		body   []byte
		header http.Header
	}{
		{"a tampered body", tampered, a.Header},
		{"a body with a newline", append(bytes.Clone(a.Body), '\n'), a.Header},
		{"no body", nil, a.Header},
		{"no signature", a.Body, with(signature.HeaderSignature)},
		{"an empty signature", a.Body, with(signature.HeaderSignature, "")},
		{"a prefix alone", a.Body, with(signature.HeaderSignature, "sha256=")},
		{"a short signature", a.Body, with(signature.HeaderSignature, right[:len(right)-1])},
		{"a very short signature", a.Body, with(signature.HeaderSignature, "x")},
		{"a long signature", a.Body, with(signature.HeaderSignature, right+"0")},
		{"a very long signature", a.Body, with(signature.HeaderSignature, strings.Repeat("a", 4000))},
		{"a signature without its prefix", a.Body, with(signature.HeaderSignature, strings.TrimPrefix(right, "sha256="))},
		{"a signature in capitals", a.Body, with(signature.HeaderSignature, "sha256="+strings.ToUpper(strings.TrimPrefix(right, "sha256=")))},
		{"a signature of another letter", a.Body, with(signature.HeaderSignature, right[:len(right)-1]+"g")},
		{"a signature that is no ASCII", a.Body, with(signature.HeaderSignature, strings.Repeat("\xe9", len(right)))},
		{"somebody else's signature", a.Body, with(signature.HeaderSignature, signature.Sign("whsec_"+strings.Repeat("A", 32), a.Body))},
		{"a signature with the empty secret", a.Body, with(signature.HeaderSignature, signature.Sign("", a.Body))},
	}
	for _, f := range forgeries {
		if code := r.send(t, f.body, f.header); code != http.StatusUnauthorized {
			t.Errorf("%s got %d, want 401", f.name, code)
		}
	}
	for name, header := range map[string]http.Header{
		"another id": with(signature.HeaderID, "evt_other"), "no id": with(signature.HeaderID),
	} {
		if code := r.send(t, a.Body, header); code != http.StatusBadRequest {
			t.Errorf("%s got %d, want 400", name, code)
		}
	}
	if n := strings.Count(r.Said(t), "handled "); n != 0 {
		t.Fatalf("%d forgeries were handled", n)
	}
	// It is alive and well, and takes the real one however often it comes.
	var group sync.WaitGroup
	for range 8 {
		group.Go(func() {
			if code := r.send(t, a.Body, a.Header.Clone()); code != http.StatusNoContent {
				t.Errorf("the real request got %d", code)
			}
		})
	}
	group.Wait()
	if n := r.handled(t, a.Event); n != 1 {
		t.Errorf("handled %d times, want once", n)
	}
	if r.Ended() {
		t.Errorf("%s has ended", language)
	}
}
