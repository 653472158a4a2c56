package egress

import (
	"bytes"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/postrider/postrider/internal/webhook"
)

// Request is one POST. Of its headers Host, Content-Length and others that frame
// a message are left out: they follow from URL and Body.
type Request = webhook.Request

const defaultTimeout = 10 * time.Second

// httpRequest makes what net/http wants. The header map is new each time, for
// the transport may go on reading it after Do returned.
func httpRequest(r *Request, u *url.URL) *http.Request {
	header := make(http.Header, len(r.Header)+1)
	values := make([]string, len(r.Header))
	for i, h := range r.Header {
		if isFraming(h.Name) {
			continue
		}
		values[i] = h.Value
		// Set would change X-Webhook-ID into X-Webhook-Id.
		if old, twice := header[h.Name]; twice {
			header[h.Name] = append(old, h.Value)
			continue
		}
		header[h.Name] = values[i : i+1 : i+1]
	}
	if _, ok := header["User-Agent"]; !ok {
		header["User-Agent"] = nil // else net/http sends its own name
	}
	return &http.Request{
		Method: http.MethodPost, URL: u, Host: u.Host, Header: header,
		Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		ContentLength: int64(len(r.Body)),
	}
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

// newBody is a reader of a type that net/http knows to be in memory: for any
// other it sends the headers ahead, in a packet of their own.
func newBody(b []byte) io.ReadCloser {
	if len(b) == 0 {
		return http.NoBody
	}
	return io.NopCloser(bytes.NewReader(b))
}
