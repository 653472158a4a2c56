package egress

import (
	"bufio"
	"bytes"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/postrider/postrider/internal/webhook"
)

// FuzzRequestHead holds what is written against net/http's reader: it is one POST
// with the headers that were asked for, to the host that was judged, and not a
// byte more.
func FuzzRequestHead(f *testing.F) {
	for _, seed := range [][3]string{
		{"https://example.com/hook?a=b", "X-A", "b"}, {"http://example.com:8080", "Transfer-Encoding", "chunked"}, {"http://bücher.example/ü?ü", "X-A", "é"},
		{"http://[2606:4700::1111]:1/", "X-A", "b\r\nX-B: c"}, {"http://a.example//b/../c", "X-A:", "b"}, {"http://a.example/?a=\"<>`{}|^", "Content-Length", "0"},
		{"http://a.example/%0d%0aX-A:%20b", "connection", "close"}, {"http://a.example/#f", "x-a", " trimmed\t"}, {"http://134744072/", "Host", "evil"},
	} {
		f.Add(seed[0], seed[1], seed[2], []byte(`{"id":"evt_1"}`))
	}
	p := NewPolicy(Config{Resolver: names{}})
	f.Fuzz(func(t *testing.T, raw, name, value string, body []byte) {
		u, h, err := p.parseURL(raw)
		if err != nil {
			return
		}
		req := Request{URL: raw, Body: body, Header: []webhook.Header{{Name: "X-First", Value: "1"}, {Name: name, Value: value}, {Name: "X-Last", Value: "2"}}}
		x := exchange{}
		if x.compose(&req, newTarget(u, h)) != nil {
			return
		}
		wire := bytes.NewReader(append(bytes.Clone(x.request), x.rest...))
		in := bufio.NewReader(wire)
		got, err := http.ReadRequest(in)
		if err != nil {
			t.Fatalf("%q %q %q: nobody can read %q: %v", raw, name, value, x.request, err)
		}
		read, err := io.ReadAll(got.Body)
		if err != nil || !bytes.Equal(read, body) || in.Buffered()+wire.Len() > 0 {
			t.Fatalf("%q %q %q: the body %q became %q (%v), %d bytes follow", raw, name, value, body, read, err, in.Buffered()+wire.Len())
		}
		checkTarget(t, raw, u, got.URL)
		checkHead(t, raw, h, got, name, value)
	})
}

// checkTarget holds that path and query say the same, escaped slashes included.
func checkTarget(t *testing.T, raw string, want, got *url.URL) {
	t.Helper()
	path := want.Path
	if path == "" {
		path = "/"
	}
	slashes := func(u *url.URL) int { return strings.Count(strings.ToLower(u.RawPath), "%2f") }
	if got.Path != path || slashes(got) != slashes(want) || unescaped(got.RawQuery) != unescaped(want.RawQuery) {
		t.Fatalf("%q: sent to %q, query %q", raw, got.EscapedPath(), got.RawQuery)
	}
}

// unescaped leaves alone what is no escape.
func unescaped(query string) string {
	var b strings.Builder
	for i := 0; i < len(query); i++ {
		if i+2 < len(query) && query[i] == '%' {
			if text, err := url.PathUnescape(query[i : i+3]); err == nil {
				b.WriteString(text)
				i += 2
				continue
			}
		}
		b.WriteByte(query[i])
	}
	return b.String()
}

func checkHead(t *testing.T, raw string, h host, got *http.Request, name, value string) {
	t.Helper()
	line := got.Method + " " + got.RequestURI + " " + got.Proto
	if got.Method != "POST" || got.Proto != "HTTP/1.1" || strings.ContainsFunc(got.RequestURI, func(r rune) bool { return r <= ' ' || r > '~' }) {
		t.Fatalf("%q: the first line is %q", raw, line)
	}
	to, err := url.Parse("http://" + got.Host)
	if err != nil {
		t.Fatalf("%q: the host is %q: %v", raw, got.Host, err)
	}
	if at, err := parseHost(to.Hostname()); err != nil || at != h {
		t.Fatalf("%q: judged as %s, sent to %s (%v)", raw, h, at, err)
	}
	want := http.Header{"X-First": {"1"}}
	if !isFraming(name) {
		want.Add(name, strings.Trim(value, " \t"))
	}
	want.Add("X-Last", "2")
	if len(got.TransferEncoding) > 0 || got.Close || len(got.Trailer) > 0 {
		t.Fatalf("%q: %q: %q made it another message", raw, name, value)
	}
	got.Header.Del("Content-Length")
	if strings.EqualFold(name, "Pragma") {
		got.Header.Del("Cache-Control") // net/http adds it
	}
	if len(got.Header) != len(want) {
		t.Fatalf("%q %q: the headers are %q, want %q", name, value, got.Header, want)
	}
	for key, values := range want {
		if strings.Join(got.Header[key], "\n") != strings.Join(values, "\n") {
			t.Fatalf("%q %q: the headers are %q, want %q", name, value, got.Header, want)
		}
	}
}
