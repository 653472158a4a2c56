package egress

import (
	"net"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/postrider/postrider/internal/webhook"
)

// Receivers that send back what they got must not put it on record.
func TestSenderMasksWhatIsHiddenInAnswers(t *testing.T) {
	t.Parallel()
	const value = "the-value-of-a-header"
	filler := strings.Repeat("x", webhook.MaxResponseBytes-10)
	for name, tt := range map[string]struct {
		answer string
		body   string
		error  string
	}{
		"Body":       {"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n{\"X-Token\":\"" + value + "\"}", `{"X-Token":"***"}`, ""},
		"CutBody":    {"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n" + filler + value + filler, filler + "***", ""},
		"BrokenBody": {"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\nit is " + value[:12], "it is ***", "in the middle of its answer"},
		"Status":     {"HTTP/1.1 " + value + "\r\n\r\n", "", `malformed HTTP status code "***"`},
		"LongLine":   {"HTTP/1.1 200 OK\r\n" + strings.Repeat("y", 150) + value + "\r\n\r\n", "", "***"},
		"Target":     {"HTTP/1.1 200 OK\r\nGET /hook?token=s3cret\r\n\r\n", "", `missing colon: "GET ***"`},
		"Token":      {"HTTP/1.1 200 OK\r\nbad s3cret\r\n\r\n", "", `missing colon: "bad ***"`},
		"Harmless":   {"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nthe value of a header", "the value of a header", ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newReceiver(t, "127.0.0.1:0", once(tt.answer))
			res := newClient(t, loopback(), SenderConfig{}).Do(t.Context(), Request{
				URL: r.url(), Body: []byte("{}"), Hidden: webhook.NewHidden(value), Timeout: 20 * time.Second,
			})
			if string(res.Body) != tt.body {
				t.Errorf("body %.60q, want %.60q", res.Body, tt.body)
			}
			switch {
			case tt.error == "" && res.Err != nil:
				t.Errorf("%v", res.Err)
			case tt.error != "" && (res.Err == nil || !strings.Contains(res.Err.Detail, tt.error)):
				t.Errorf("error %v, want %s", res.Err, tt.error)
			case res.Err != nil && (strings.Contains(res.Err.Detail, value[:12]) || strings.Contains(res.Err.Detail, "s3cret")):
				t.Errorf("%q tells", res.Err.Detail)
			}
		})
	}
	t.Run("Headers", func(t *testing.T) {
		t.Parallel()
		r := newReceiver(t, "127.0.0.1:0", answering("HTTP/1.1 200 OK\r\nX-Echo: "+value+"\r\nX-Other: fine\r\nContent-Length: 0\r\n\r\n"))
		res := newClient(t, loopback(), SenderConfig{}).Do(t.Context(), Request{URL: r.url(), Hidden: webhook.NewHidden(value)})
		wantStatus(t, res, http.StatusOK)
		if res.Header.Get("X-Echo") != webhook.Masked || res.Header.Get("X-Other") != "fine" {
			t.Errorf("%v", res.Header)
		}
	})
}

// Nor is where the proxy is anything that the owner of an endpoint gets to see.
func TestProbeThroughTheProxyNamesTheReceiver(t *testing.T) {
	t.Parallel()
	proxy, r := newConnectProxy(t, nil), newReceiver(t, "127.0.0.1:0", func(*receiver, *conn) {})
	s, err := NewSender(NewPolicy(hooks()), SenderConfig{Proxy: &url.URL{Scheme: "http", Host: proxy.Addr().String()}})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if p := s.Probe(t.Context(), "http://hooks.example:"+r.port()+"/", 5*time.Second); p.Connected != net.JoinHostPort("hooks.example", r.port()) {
		t.Errorf("connected to %q (%+v)", p.Connected, p)
	}
}
