package egress

import (
	"bufio"
	"bytes"
	"io"
	"net"
	"net/http"
	"net/netip"
	"regexp"
	"slices"
	"strconv"
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
		want, wantErr := http.ReadResponse(in, nil)
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

var (
	strictStatus = regexp.MustCompile(`^HTTP/1\.1 ([1-9]\d\d) [\t -~\x80-\xff]*$`)
	strictHeader = regexp.MustCompile("^([!#$%&'*+.^_`|~0-9A-Za-z-]+):[ \\t]*([!-~](?:[\\t -~]*[!-~])?)?[ \\t]*$")
)

// strictAnswer reads what is an answer to the letter and has a body that ends; ok
// is false for all else.
func strictAnswer(raw []byte) (status int, body []byte, end int, ok bool) {
	text := string(raw)
	for {
		head, rest, found := strings.Cut(text, "\r\n\r\n")
		if !found || len(head) > 2000 {
			return 0, nil, 0, false
		}
		lines := strings.Split(head, "\r\n")
		m := strictStatus.FindStringSubmatch(lines[0])
		if m == nil {
			return 0, nil, 0, false
		}
		status, _ = strconv.Atoi(m[1])
		lengths, encodings, ok := strictFraming(lines[1:])
		if !ok {
			return 0, nil, 0, false
		}
		text = rest
		switch {
		case status == 101:
			return 0, nil, 0, false
		case status < 200:
			if len(lengths)+len(encodings) > 0 {
				return 0, nil, 0, false // they must hold none
			}
			continue
		case status == 204 || status == 304:
		case len(encodings) == 1 && encodings[0] == "chunked" && len(lengths) == 0:
			if body, text, ok = strictChunks(text); !ok {
				return 0, nil, 0, false
			}
		case len(lengths) == 1 && len(encodings) == 0 && strings.Trim(lengths[0], "0123456789") == "" && len(lengths[0]) > 0 && len(lengths[0]) < 7:
			n, _ := strconv.Atoi(lengths[0])
			if n > len(text) {
				return 0, nil, 0, false
			}
			body, text = []byte(text[:n]), text[n:]
		default:
			return 0, nil, 0, false
		}
		return status, body, len(raw) - len(text), true
	}
}

func strictFraming(lines []string) (lengths, encodings []string, ok bool) {
	for _, line := range lines {
		m := strictHeader.FindStringSubmatch(line)
		if m == nil {
			return nil, nil, false
		}
		switch strings.ToLower(m[1]) {
		case "content-length":
			lengths = append(lengths, m[2])
		case "transfer-encoding":
			encodings = append(encodings, strings.ToLower(m[2]))
		case "trailer":
			return nil, nil, false
		}
	}
	return lengths, encodings, true
}

func strictChunks(text string) (body []byte, rest string, ok bool) {
	for {
		size, after, found := strings.Cut(text, "\r\n")
		n, err := strconv.ParseUint(size, 16, 20)
		if !found || err != nil || len(size) > 5 || len(after) < int(n)+2 || after[n:n+2] != "\r\n" {
			return nil, "", false
		}
		body, text = append(body, after[:n]...), after[n+2:]
		if n == 0 {
			return slices.Clip(body), text, true
		}
	}
}

// FuzzConnectAnswer holds that a proxy's tunnel is open only when it said so, and
// said nothing more.
func FuzzConnectAnswer(f *testing.F) {
	for _, seed := range []string{
		"HTTP/1.1 200 Connection established\r\n\r\n", "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n", "HTTP/1.1 407 No\r\n\r\n", "HTTP/1.1 200 OK\r\n\r\nx",
		"HTTP/1.1 +20 OK\r\n\r\n", "HTTP/1.1 200\r\n\r\n", "HTTP/1.1  200 OK\r\n\r\n", "ICY 200 OK\r\n\r\n", "HTTP/1.1 200 OK\r\nX", "HTTP/1.1 299 \n\n",
	} {
		f.Add([]byte(seed))
	}
	open := regexp.MustCompile(`^HTTP/\d\.\d 2\d\d(?: [^\n]*)?\r?\n(?s:.*)$`)
	f.Fuzz(func(t *testing.T, answer []byte) {
		conn := &recorded{in: bytes.NewReader(answer)}
		err := (&proxy{}).tunnel(conn, netip.MustParseAddrPort("192.0.2.1:443"))
		if err != nil {
			return
		}
		if !open.Match(answer) {
			t.Fatalf("%q opens the tunnel", answer)
		}
		head := strings.ReplaceAll(string(answer[:len(answer)-conn.in.Len()]), "\r\n", "\n")
		if !strings.HasSuffix(head, "\n\n") || conn.in.Len() > 0 {
			t.Fatalf("%q opens the tunnel, %d bytes follow", answer, conn.in.Len())
		}
	})
}
