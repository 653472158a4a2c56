package verify

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"net/http"
	"net/textproto"
	"regexp"
)

// Request is one that a receiver got, or was sent.
type Request struct {
	Header http.Header
	Body   []byte
}

// MaxRequestBytes is more than a receiver reads of a body, with its headers.
const MaxRequestBytes = 4 << 20

// ErrNoRequest says that a text is no request.
var ErrNoRequest = errors.New("this is no HTTP request: headers ('Name: value'), an empty line, the body")

var requestLine = regexp.MustCompile(`^[A-Z]+ \S+ HTTP/[0-9.]+\r?\n`)

// ParseRequest reads raw HTTP, with or without its first line. What comes after the
// empty line is the body, to its last byte: a Content-Length that says otherwise is
// one of the mistakes to look for.
func ParseRequest(raw []byte) (Request, error) {
	raw = raw[len(requestLine.Find(raw)):]
	r := bufio.NewReader(bytes.NewReader(raw))
	header, err := textproto.NewReader(r).ReadMIMEHeader()
	if err != nil && !errors.Is(err, io.EOF) {
		return Request{}, ErrNoRequest
	}
	body, err := io.ReadAll(r)
	return Request{http.Header(header), body}, err
}
