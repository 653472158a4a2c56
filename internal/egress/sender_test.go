package egress

import (
	"bytes"
	"context"
	"errors"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/postrider/postrider/internal/webhook"
)

func TestSenderPutsOnTheWireWhatItWasGiven(t *testing.T) {
	t.Parallel()
	heads, bodies := make(chan string, 1), make(chan []byte, 1)
	r := newReceiver(t, "127.0.0.1:0", func(_ *receiver, c *conn) {
		head, body, _ := c.request()
		heads <- head
		bodies <- body
		c.send(okAnswer)
	})
	body := []byte(`{"id":"evt_1","data":{"object":{"a":"é"}}}`)
	c := newClient(t, loopback(), SenderConfig{})
	res := c.Do(t.Context(), Request{URL: r.url() + "&x=%20#part", Body: body, Header: []webhook.Header{
		{Name: "X-Webhook-ID", Value: "evt_1"}, {Name: "webhook-id", Value: "evt_1"}, {Name: "X-Webhook-Signature", Value: "sha256=00"},
		{Name: "Content-Type", Value: "application/json"}, {Name: "User-Agent", Value: "Postrider/1.2"},
		{Name: "x-twice", Value: "a"}, {Name: "x-twice", Value: "b"}, {Name: "X-Empty", Value: ""},
		{Name: "host", Value: "evil.example"}, {Name: "content-length", Value: "3"}, {Name: "Transfer-Encoding", Value: "chunked"},
		{Name: "CONNECTION", Value: "close"}, {Name: "Expect", Value: "100-continue"},
	}})
	wantStatus(t, res, 200)
	lines := strings.Split(strings.TrimSpace(<-heads), "\r\n")
	if want := "POST /hook?token=s3cret&x=%20 HTTP/1.1"; lines[0] != want {
		t.Errorf("request line %q, want %q", lines[0], want)
	}
	got, want := lines[1:], []string{
		"Host: " + r.Addr().String(), "User-Agent: Postrider/1.2", "Content-Length: 43", "Content-Type: application/json",
		"X-Webhook-ID: evt_1", "webhook-id: evt_1", "X-Webhook-Signature: sha256=00", "x-twice: a", "x-twice: b", "X-Empty: ",
	}
	slices.Sort(got)
	slices.Sort(want)
	if !slices.Equal(got, want) {
		t.Errorf("headers\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	if b := <-bodies; !bytes.Equal(b, body) {
		t.Errorf("body %q, want %q", b, body)
	}
}

func TestSenderSendsNoUserAgentOfItsOwn(t *testing.T) {
	t.Parallel()
	heads := make(chan string, 1)
	r := newReceiver(t, "127.0.0.1:0", func(_ *receiver, c *conn) {
		head, _, _ := c.request()
		heads <- head
		c.send(okAnswer)
	})
	wantStatus(t, newClient(t, loopback(), SenderConfig{}).Do(t.Context(), Request{URL: r.url()}), 200)
	if head := <-heads; strings.Contains(head, "User-Agent") || strings.Contains(head, "Accept-Encoding") {
		t.Errorf("headers %q", head)
	}
}

func TestSenderFollowsNoRedirect(t *testing.T) {
	t.Parallel()
	elsewhere := newReceiver(t, "127.0.0.1:0", answering(okAnswer))
	for _, status := range []string{"301 Moved", "302 Found", "303 See Other", "307 Temporary Redirect", "308 Permanent Redirect"} {
		r := newReceiver(t, "127.0.0.1:0", answering("HTTP/1.1 "+status+"\r\nLocation: "+elsewhere.url()+"\r\nContent-Length: 0\r\n\r\n"))
		res := post(t, newClient(t, loopback(), SenderConfig{}), r.url())
		if res.Err != nil || res.StatusCode < 301 || res.StatusCode > 308 || res.Header.Get("Location") != elsewhere.url() {
			t.Errorf("%s: %d %v (%v)", status, res.StatusCode, res.Header, res.Err)
		}
	}
	if got := elsewhere.conns.Load(); got != 0 {
		t.Errorf("%d connections were made to where the redirects point", got)
	}
}

func TestSenderReusesConnections(t *testing.T) {
	t.Parallel()
	for name, answer := range map[string]string{
		"KnownLength": okAnswer,
		"Empty":       "HTTP/1.1 204 No Content\r\n\r\n",
		"Chunked":     "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n",
		"Failure":     "HTTP/1.1 500 Oops\r\nContent-Length: 2\r\n\r\nno",
		"Full":        "HTTP/1.1 200 OK\r\nContent-Length: 65536\r\n\r\n" + strings.Repeat("x", 65536),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newReceiver(t, "127.0.0.1:0", answering(answer))
			c := newClient(t, loopback(), SenderConfig{})
			for range 1000 {
				if res := post(t, c, r.url()); res.Err != nil {
					t.Fatal(res.Err)
				}
			}
			if got := r.conns.Load(); got != 1 {
				t.Errorf("1000 requests took %d connections, want 1", got)
			}
		})
	}
}

func TestSenderReusesConnectionsUnderLoad(t *testing.T) {
	t.Parallel()
	const posters, each = 32, 100
	r := newReceiver(t, "127.0.0.1:0", answering(okAnswer))
	c := newClient(t, loopback(), SenderConfig{})
	var wg sync.WaitGroup
	for range posters {
		wg.Go(func() {
			for range each {
				if res := post(t, c, r.url()); res.Err != nil {
					t.Error(res.Err)
				}
			}
		})
	}
	wg.Wait()
	// A poster may dial and then get a connection that another one gave back.
	if got := r.conns.Load(); got > 2*posters {
		t.Errorf("%d requests of %d posters took %d connections", posters*each, posters, got)
	}
}

func TestSenderDoesNotReuse(t *testing.T) {
	t.Parallel()
	for name, answer := range map[string]string{
		"ConnectionClose": "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 0\r\n\r\n",
		"HTTP10":          "HTTP/1.0 200 OK\r\nContent-Length: 0\r\n\r\n",
		"TooLongABody":    "HTTP/1.1 200 OK\r\nContent-Length: 70000\r\n\r\n" + strings.Repeat("x", 70000),
		"SwitchedAway":    "HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: Upgrade\r\n\r\n",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newReceiver(t, "127.0.0.1:0", answering(answer))
			c := newClient(t, loopback(), SenderConfig{})
			for range 3 {
				if res := post(t, c, r.url()); res.Err != nil {
					t.Fatal(res.Err)
				}
			}
			if got := r.conns.Load(); got != 3 {
				t.Errorf("3 requests took %d connections, want 3", got)
			}
		})
	}
}

// staleAfter answers n requests of a connection and breaks it at the next one.
func staleAfter(n int, breakIt func(c *conn)) func(*receiver, *conn) {
	return func(_ *receiver, c *conn) {
		for range n {
			if _, _, ok := c.request(); !ok {
				return
			}
			c.send(okAnswer)
		}
		if _, err := c.in.Peek(1); err == nil {
			breakIt(c)
		}
	}
}

func TestSenderSendsAgainWhenAPooledConnectionIsStale(t *testing.T) {
	t.Parallel()
	for name, breakIt := range map[string]func(c *conn){
		"Closed":          func(*conn) {},
		"Reset":           func(c *conn) { c.reset() },
		"ClosedAfterRead": func(c *conn) { c.request() },
	} {
		for size, body := range map[string][]byte{"Small": []byte("{}"), "Large": make([]byte, 1<<20)} {
			t.Run(name+size, func(t *testing.T) {
				t.Parallel()
				r := newReceiver(t, "127.0.0.1:0", staleAfter(1, breakIt))
				c := newClient(t, loopback(), SenderConfig{})
				for range 5 {
					wantStatus(t, c.Do(t.Context(), Request{URL: r.url(), Body: body}), 200)
				}
				if got := r.conns.Load(); got != 5 {
					t.Errorf("%d connections, want 5", got)
				}
			})
		}
	}
}

// All pooled connections are stale at once when a receiver restarts.
func TestSenderGetsPastAPoolOfStaleConnections(t *testing.T) {
	t.Parallel()
	const pool = 16
	gate := make(chan struct{})
	var arrived sync.WaitGroup
	arrived.Add(pool)
	r := newReceiver(t, "127.0.0.1:0", func(r *receiver, c *conn) {
		if _, _, ok := c.request(); !ok {
			return
		}
		if r.requests.Load() <= pool {
			arrived.Done()
			<-gate // so that each of the first requests needs a connection of its own
		}
		c.send(okAnswer)
		c.in.Peek(1)
	})
	c := newClient(t, loopback(), SenderConfig{})
	var wg sync.WaitGroup
	for range pool {
		wg.Go(func() { wantOK(t, post(t, c, r.url())) })
	}
	arrived.Wait()
	close(gate)
	wg.Wait()
	wantOK(t, post(t, c, r.url()))
}

func wantOK(t *testing.T, res webhook.Response) {
	t.Helper()
	if res.Err != nil || res.StatusCode != 200 {
		t.Errorf("%d %v, want 200", res.StatusCode, res.Err)
	}
}

// Near miss: once a byte of the answer came, the connection was not stale.
func TestSenderDoesNotSendAgainAfterThePartOfAnAnswer(t *testing.T) {
	t.Parallel()
	r := newReceiver(t, "127.0.0.1:0", staleAfter(1, func(c *conn) {
		c.request()
		c.send("HTTP/1.1 200 OK\r\nX-A: b\r\n")
	}))
	c := newClient(t, loopback(), SenderConfig{})
	wantStatus(t, post(t, c, r.url()), 200)
	wantError(t, post(t, c, r.url()), webhook.ClassReset, "closed the connection")
	if got := r.requests.Load(); got != 2 {
		t.Errorf("%d requests were made, want 2", got)
	}
}

// Near miss: a pooled connection on which the receiver is silent is not stale.
func TestSenderDoesNotSendAgainAfterATimeout(t *testing.T) {
	t.Parallel()
	r := newReceiver(t, "127.0.0.1:0", func(r *receiver, c *conn) {
		c.request()
		c.send(okAnswer)
		c.request()
		<-r.stop
	})
	c := newClient(t, loopback(), SenderConfig{})
	wantStatus(t, post(t, c, r.url()), 200)
	res := c.Do(t.Context(), Request{URL: r.url(), Timeout: 200 * time.Millisecond})
	wantError(t, res, webhook.ClassTimeout, "did not answer within 0.2 s")
	if got := r.requests.Load(); got != 2 {
		t.Errorf("%d requests were made, want 2", got)
	}
}

func TestSenderStopsWhenTheCallerDoes(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	r := newReceiver(t, "127.0.0.1:0", func(r *receiver, c *conn) {
		c.request()
		cancel()
		<-r.stop
	})
	res := newClient(t, loopback(), SenderConfig{}).Do(ctx, Request{URL: r.url()})
	wantError(t, res, webhook.ClassInternal, "stopped before it ended")
	if !errors.Is(res.Err, context.Canceled) {
		t.Errorf("cause %v, want context.Canceled", res.Err.Cause)
	}
}

func TestSenderHoldsToTheCallersDeadline(t *testing.T) {
	t.Parallel()
	r := newReceiver(t, "127.0.0.1:0", onceOpen(""))
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	res := newClient(t, loopback(), SenderConfig{}).Do(ctx, Request{URL: r.url(), Timeout: time.Minute})
	wantError(t, res, webhook.ClassTimeout, "did not answer")
}

func TestSenderRefusesBadRequestsWithoutSending(t *testing.T) {
	t.Parallel()
	c := newClient(t, loopback(), SenderConfig{})
	for raw, want := range map[string]string{
		"": "is missing", "ftp://127.0.0.1/": "https://", "http://u:p@127.0.0.1/": "user name", "http://[::1%25lo]/": "zone",
	} {
		wantError(t, c.Do(t.Context(), Request{URL: raw}), webhook.ClassBlocked, want)
	}
	secure := newClient(t, Config{HTTPSOnly: true, Allow: prefixes("127.0.0.0/8")}, SenderConfig{})
	wantError(t, secure.Do(t.Context(), Request{URL: "http://127.0.0.1/"}), webhook.ClassBlocked, "egress.https_only")

	r := newReceiver(t, "127.0.0.1:0", answering(okAnswer))
	for _, h := range []webhook.Header{{Name: "X A", Value: "b"}, {Name: "X-A", Value: "b\r\nX-C: d"}, {Name: "", Value: "b"}} {
		res := c.Do(t.Context(), Request{URL: r.url(), Header: []webhook.Header{h}})
		wantError(t, res, webhook.ClassInternal, "could not be made")
	}
	if got := r.requests.Load(); got != 0 {
		t.Errorf("%d requests were made", got)
	}
}

func TestSenderTimesAttempts(t *testing.T) {
	t.Parallel()
	r := newReceiver(t, "127.0.0.1:0", answering(okAnswer))
	start := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	now := start
	c := newClient(t, loopback(), SenderConfig{Now: func() time.Time {
		defer func() { now = now.Add(3 * time.Second) }()
		return now
	}})
	if res := post(t, c, r.url()); !res.Started.Equal(start) || res.Duration != 3*time.Second {
		t.Errorf("started %s, took %s", res.Started, res.Duration)
	}
}

func TestSenderCountsRequestsAndConnections(t *testing.T) {
	t.Parallel()
	reg := prometheus.NewPedanticRegistry()
	r := newReceiver(t, "127.0.0.1:0", answering(okAnswer))
	c := newClient(t, loopback(), SenderConfig{Registerer: reg})
	for range 3 {
		wantStatus(t, post(t, c, r.url()), 200)
	}
	post(t, c, "http://10.0.0.1/")
	want := map[string]float64{
		"postrider_egress_connections_total": 1, "postrider_egress_requests_total answered": 3, "postrider_egress_requests_total blocked": 1,
	}
	families, err := reg.Gather()
	if err != nil {
		t.Fatal(err)
	}
	for _, family := range families {
		for _, metric := range family.GetMetric() {
			name := family.GetName()
			for _, label := range metric.GetLabel() {
				name += " " + label.GetValue()
			}
			if got := metric.GetCounter().GetValue(); got != want[name] {
				t.Errorf("%s is %g, want %g", name, got, want[name])
			}
			delete(want, name)
		}
	}
	if len(want) > 0 {
		t.Errorf("missing: %v", want)
	}
	if _, err := NewSender(NewPolicy(Config{}), SenderConfig{Registerer: reg}); err == nil {
		t.Error("a second sender registered the same metrics")
	}
}
