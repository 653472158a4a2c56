package egress

import (
	"bufio"
	"bytes"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/postrider/postrider/internal/webhook"
)

// recorded is a connection on which a receiver has sent its bytes and hung up.
type recorded struct {
	net.Conn
	in *bytes.Reader
}

func (r *recorded) Read(p []byte) (int, error)       { return r.in.Read(p) }
func (r *recorded) Write(p []byte) (int, error)      { return len(p), nil }
func (r *recorded) SetDeadline(time.Time) error      { return nil }
func (r *recorded) SetReadDeadline(time.Time) error  { return nil }
func (r *recorded) SetWriteDeadline(time.Time) error { return nil }
func (r *recorded) Close() error                     { return nil }

// FuzzExchange holds what is made of an answer against net/http, and against a
// parser that knows nothing but the letter of RFC 9112: what is an answer to that
// one is read alike, and a connection is kept only when the answer ended where it
// says.
func FuzzExchange(f *testing.F) {
	for _, seed := range []string{
		okAnswer, "HTTP/1.1 100 Continue\r\n\r\n" + okAnswer, okAnswer + okAnswer, "HTTP/1.1 204 No Content\r\nContent-Length: 5\r\n\r\nhello",
		"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nContent-Length: 2\r\n\r\n0\r\n\r\n",
		"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\nok", "HTTP/1.1 429 Slow down\r\nRetry-After: 1\r\n X: y\r\n\r\n", "HTTP/1.0 200 OK\r\n\r\nok",
		"HTTP/1.1 101 Switching\r\n\r\nx", "HTTP/1.1 200 OK\nContent-Length: 0\n\n", "HTTP/1.1 +20 OK\r\n\r\n", "HTTP/1.1 200 OK\r\nContent-Length : 2\r\n\r\nok", "\x00\xff\r\n\r\n",
		"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 0\r\n\r\n",
	} {
		f.Add([]byte(seed))
	}
	pool, bodies := newExchanges(), newBodyReader()
	f.Fuzz(func(t *testing.T, answer []byte) {
		conn := &recorded{in: bytes.NewReader(answer)}
		x := pool.Get().(*exchange)
		x.request, x.rest = []byte("POST / HTTP/1.1\r\n\r\n"), nil
		a := newAttempt(t.Context(), host{name: "a.example"}, time.Minute)
		a.enter(phaseWaiting)
		var res webhook.Response
		keep, err := x.run(a, newLink(conn, route{}), bodies, &res)
		rest := conn.in.Len()
		x.release(pool)

		checkResponse(t, answer, res, keep, err)
		checkLikeNetHTTP(t, answer, res, err)
		if err != nil {
			checkSentence(t, answer, a.explain(t.Context(), err))
		}
		status, body, end, ok := strictAnswer(answer)
		if !ok {
			return
		}
		body = body[:min(len(body), webhook.MaxResponseBytes)]
		if err != nil || res.StatusCode != status || !bytes.Equal(res.Body, body) {
			t.Fatalf("%q is %d with %q, %v, want %d with %q", answer, res.StatusCode, res.Body, err, status, body)
		}
		if keep && end != len(answer)-rest {
			t.Fatalf("%q: the connection is kept after %d bytes, but the answer has %d", answer, len(answer)-rest, end)
		}
	})
}

func checkResponse(t *testing.T, answer []byte, res webhook.Response, keep bool, err error) {
	t.Helper()
	if len(res.Body) > webhook.MaxResponseBytes || keep && err != nil {
		t.Fatalf("%q: %d bytes of body, kept: %t, %v", answer, len(res.Body), keep, err)
	}
	if err == nil && (res.StatusCode < 100 || res.StatusCode > 999 || res.StatusCode < 200 && res.StatusCode != 101) {
		t.Fatalf("%q has the status %d", answer, res.StatusCode)
	}
	if keep && bytes.Contains(bytes.ToLower(answer), []byte("\nconnection: close\r")) {
		t.Fatalf("%q: the connection is kept", answer)
	}
	for name, values := range res.Header {
		for _, value := range values {
			if name == "" || strings.ContainsAny(name+value, "\r\n\x00") || strings.Contains(name, ": ") {
				t.Fatalf("%q has the header %q: %q", answer, name, value)
			}
		}
	}
}

// checkLikeNetHTTP reads the answer by net/http alone, without bounds.
func checkLikeNetHTTP(t *testing.T, answer []byte, res webhook.Response, err error) {
	t.Helper()
	if len(answer) >= maxHeaderBytes {
		return
	}
	in := bufio.NewReader(bytes.NewReader(answer))
	for {
		want, wantErr := http.ReadResponse(in, nil) //nolint:bodyclose // it is memory
		if wantErr != nil {
			if err == nil {
				t.Fatalf("%q is %d, want %v", answer, res.StatusCode, wantErr)
			}
			return
		}
		if want.StatusCode/100 == 1 && want.StatusCode != 101 {
			continue
		}
		if want.StatusCode < 100 {
			if err == nil {
				t.Fatalf("%q has the status %d", answer, res.StatusCode)
			}
			return
		}
		var body []byte
		if want.StatusCode != 101 {
			body, wantErr = io.ReadAll(want.Body)
		}
		if (err == nil) != (wantErr == nil) || res.StatusCode != want.StatusCode || !bytes.Equal(res.Body, body) {
			t.Fatalf("%q is %d with %q, %v, want %d with %q, %v", answer, res.StatusCode, res.Body, err, want.StatusCode, body, wantErr)
		}
		return
	}
}

// checkSentence holds that an error can be shown to anybody, whatever the receiver
// put into it.
func checkSentence(t *testing.T, answer []byte, e *webhook.SendError) {
	t.Helper()
	if !utf8.ValidString(e.Detail) || strings.ContainsFunc(e.Detail, func(r rune) bool { return r < ' ' || r == 0x7f }) || len(e.Detail) > 300 || e.Detail == "" {
		t.Fatalf("%q: the error says %q", answer, e.Detail)
	}
	if e.Class != webhook.ClassReset && e.Class != webhook.ClassInvalidHTTP {
		t.Fatalf("%q: the error is of class %s: %q", answer, e.Class, e.Detail)
	}
}
