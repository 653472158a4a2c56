package egress

import (
	"cmp"
	"errors"
	"fmt"
	"net/textproto"
	"net/url"
	"strconv"
	"strings"
	"time"

	"golang.org/x/net/http/httpguts"

	"github.com/postrider/postrider/internal/webhook"
)

// Request is one POST. Of its headers Host, Content-Length and others that frame
// a message are left out: they follow from URL and Body.
type Request = webhook.Request

const defaultTimeout = 10 * time.Second

// target is where a request goes. It is of many requests, and nobody changes it.
type target struct {
	url   *url.URL
	to    host
	route route
	host  string // the Host header
}

func newTarget(u *url.URL, h host) *target {
	t := &target{url: u, to: h, route: route{tls: u.Scheme == "https", name: u.Hostname(), port: u.Port()}}
	t.host = strings.TrimSuffix(u.Host, ":")
	if !isASCII(u.Host) {
		t.route.name = h.String()
		t.host = strings.TrimSuffix(t.route.name+":"+t.route.port, ":")
	}
	if t.route.port == "" {
		t.route.port = "80"
		if t.route.tls {
			t.route.port = "443"
		}
	}
	return t
}

func isASCII(s string) bool {
	for i := range len(s) {
		if s[i] >= 0x80 {
			return false
		}
	}
	return true
}

// appendHead appends the request line and the headers, in the order and with the
// spelling they were given.
func appendHead(b []byte, r *Request, t *target) ([]byte, error) {
	if !httpguts.ValidHostHeader(t.host) {
		return b, errors.New("invalid Host header")
	}
	b = append(b, "POST "...)
	b = appendTarget(b, t.url) // the policy let no space or control character pass
	b = append(b, " HTTP/1.1\r\nHost: "...)
	b = append(b, t.host...)
	b = append(b, "\r\n"...)
	for i := range r.Header {
		var err error
		if b, err = appendHeader(b, &r.Header[i]); err != nil {
			return b, err
		}
	}
	b = append(b, "Content-Length: "...)
	b = strconv.AppendInt(b, int64(len(r.Body)), 10)
	return append(b, "\r\n\r\n"...), nil
}

// appendTarget appends path and query as they are spelled, but for what is not
// ASCII: some receivers answer such a line with a 400. url.RequestURI would leave
// it in a query, and for the sake of it make a slash of a path's %2F.
func appendTarget(b []byte, u *url.URL) []byte {
	path := u.RawPath
	if path == "" {
		path = cmp.Or(u.EscapedPath(), "/")
	}
	b = appendEscaped(b, path, "\"<>\\^`{|}")
	if u.RawQuery == "" && !u.ForceQuery {
		return b
	}
	return appendEscaped(append(b, '?'), u.RawQuery, "")
}

// appendEscaped escapes what is not ASCII, and the bytes that are in more.
func appendEscaped(b []byte, s, more string) []byte {
	const digits = "0123456789ABCDEF"
	for i := range len(s) {
		if c := s[i]; c < 0x80 && strings.IndexByte(more, c) < 0 {
			b = append(b, c)
		} else {
			b = append(b, '%', digits[c>>4], digits[c&15])
		}
	}
	return b
}

// appendHeader refuses what would end the line or the headers before their time.
func appendHeader(b []byte, h *webhook.Header) ([]byte, error) {
	switch {
	case isFraming(h.Name):
		return b, nil
	case !httpguts.ValidHeaderFieldName(h.Name):
		return b, fmt.Errorf("invalid header name %q", h.Name)
	case !httpguts.ValidHeaderFieldValue(h.Value):
		return b, fmt.Errorf("invalid value of the header %q", h.Name)
	}
	b = append(b, h.Name...)
	b = append(b, ": "...)
	b = append(b, textproto.TrimString(h.Value)...)
	return append(b, "\r\n"...), nil
}

// isFraming reports whether a header would change where the message ends or to
// whom it goes; sent twice, some receivers would read another message than we do.
func isFraming(name string) bool {
	for _, framing := range []string{
		"Host", "Content-Length", "Transfer-Encoding", "Connection", "Trailer", "Upgrade", "Te", "Keep-Alive", "Expect",
	} {
		if len(name) == len(framing) && strings.EqualFold(name, framing) {
			return true
		}
	}
	return false
}
