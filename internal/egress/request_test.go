package egress

import (
	"strconv"
	"strings"
	"testing"

	"github.com/postrider/postrider/internal/webhook"
)

func TestSenderKeepsTheOrderOfHeaders(t *testing.T) {
	t.Parallel()
	heads := make(chan string, 1)
	r := newReceiver(t, "127.0.0.1:0", func(_ *receiver, c *conn) {
		head, _, _ := c.request()
		heads <- head
		c.send(okAnswer)
	})
	res := newClient(t, loopback(), SenderConfig{}).Do(t.Context(), Request{
		URL: "http://" + r.Addr().String(), Body: []byte("abc"),
		Header: []webhook.Header{{Name: "z-Last", Value: " trimmed\t"}, {Name: "A", Value: "1"}, {Name: "z-last", Value: "é"}},
	})
	wantStatus(t, res, 200)
	want := "POST / HTTP/1.1\r\nHost: " + r.Addr().String() + "\r\nz-Last: trimmed\r\nA: 1\r\nz-last: é\r\nContent-Length: 3\r\n\r\n"
	if got := <-heads; got != want {
		t.Errorf("%q\nwant %q", got, want)
	}
}

func TestSenderSendsHostAsItIsSpelled(t *testing.T) {
	t.Parallel()
	heads := make(chan string, 1)
	r := newReceiver(t, "127.0.0.1:0", func(_ *receiver, c *conn) {
		for {
			head, _, ok := c.request()
			if !ok {
				return
			}
			heads <- head
			c.send(okAnswer)
		}
	})
	policy := loopback()
	policy.Resolver = names{"hooks.example": {"127.0.0.1"}, "xn--bcher-kva.example": {"127.0.0.1"}}
	c := newClient(t, policy, SenderConfig{})
	for spelled, sent := range map[string]string{
		"Hooks.Example": "Hooks.Example", "hooks.example.": "hooks.example.", "bücher.example": "xn--bcher-kva.example",
	} {
		wantStatus(t, post(t, c, "http://"+spelled+":"+r.port()+"/?q"), 200)
		want := "POST /?q HTTP/1.1\r\nHost: " + sent + ":" + r.port() + "\r\nContent-Length: 14\r\n\r\n"
		if got := <-heads; got != want {
			t.Errorf("%q\nwant %q", got, want)
		}
	}
}

func TestSenderEscapesWhatIsNotASCII(t *testing.T) {
	t.Parallel()
	heads := make(chan string, 1)
	r := newReceiver(t, "127.0.0.1:0", func(_ *receiver, c *conn) {
		head, _, _ := c.request()
		heads <- head
		c.send(okAnswer)
	})
	wantStatus(t, post(t, newClient(t, loopback(), SenderConfig{}), "http://"+r.Addr().String()+"/ü%2f?name=ü&b=%20"), 200)
	if got, want := <-heads, "POST /%C3%BC%2f?name=%C3%BC&b=%20 HTTP/1.1\r\n"; !strings.HasPrefix(got, want) {
		t.Errorf("%q\nwant %q", got, want)
	}
}

func TestSenderRefusesHeadersThatWouldEndEarly(t *testing.T) {
	t.Parallel()
	r := newReceiver(t, "127.0.0.1:0", answering(okAnswer))
	c := newClient(t, loopback(), SenderConfig{})
	for _, h := range []webhook.Header{
		{Name: "X-A", Value: "b\rc"}, {Name: "X-A", Value: "b\nc"}, {Name: "X-A", Value: "b\x00c"}, {Name: "X-A", Value: "b\n"},
		{Name: "X-A\r\nX-B", Value: "c"}, {Name: "X-A:", Value: "b"}, {Name: "X-A\x00", Value: "b"}, {Name: "é", Value: "b"},
	} {
		wantError(t, c.Do(t.Context(), Request{URL: r.url(), Header: []webhook.Header{h}}), webhook.ClassInternal, "could not be made")
	}
	if got := r.conns.Load(); got != 0 {
		t.Errorf("%d connections were made", got)
	}
}

// A URL is taken apart once. What is kept is the whole URL's, and a refusal is not.
func TestSenderKeepsURLsTakenApart(t *testing.T) {
	t.Parallel()
	s, err := NewSender(NewPolicy(loopback()), SenderConfig{})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	for _, rawURL := range []string{"http://127.0.0.1:81/a?b=1", "http://127.0.0.1:81/a?b=2", "http://127.0.0.1:82/a?b=1"} {
		first, err := s.targetOf(rawURL)
		if err != nil {
			t.Fatal(err)
		}
		again, _ := s.targetOf(rawURL)
		if again != first || first.url.String() != rawURL || first.host != first.url.Host {
			t.Errorf("%s is kept as %+v", rawURL, again)
		}
	}
	for range 2 {
		if kept, err := s.targetOf("ftp://127.0.0.1/"); err == nil {
			t.Errorf("%+v", kept)
		}
	}
	for n := range maxTargets + 10 {
		_, _ = s.targetOf("http://127.0.0.1/" + strconv.Itoa(n))
	}
	if n := s.targets.Len(); n != maxTargets {
		t.Errorf("%d are kept", n)
	}
}
