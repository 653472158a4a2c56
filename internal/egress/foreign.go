package egress

import (
	"bufio"
	"bytes"
	"strings"

	"github.com/postrider/postrider/internal/webhook"
)

// foreignError is an answer that begins as no HTTP/1 does, but as something that
// is known. Its text completes "the answer is not valid HTTP: …".
type foreignError string

func (e foreignError) Error() string { return string(e) }

const (
	answerIsTLS   foreignError = "the receiver speaks TLS on this port, so the URL has to start with https://"
	answerIsHTTP2 foreignError = "it is HTTP/2, and requests are made in HTTP/1.1"
	answerIsEcho  foreignError = "it is the request, sent back"
)

// foreign looks at what is there of an answer, and waits for no more: whoever
// speaks another protocol may wait for us, until the timeout.
func foreign(in *bufio.Reader) error {
	begin, _ := in.Peek(min(in.Buffered(), 9)) // there are that many
	switch {
	case len(begin) >= 3 && (begin[0] == 0x15 || begin[0] == 0x16) && begin[1] == 3: // an alert, or a handshake
		return answerIsTLS
	case len(begin) == 9 && begin[0] == 0 && begin[3] == 4 && bytes.Equal(begin[5:9], make([]byte, 4)): // SETTINGS
		return answerIsHTTP2
	case bytes.HasPrefix(begin, []byte("PRI * HTT")):
		return answerIsHTTP2
	case bytes.HasPrefix(begin, []byte("POST /")):
		return answerIsEcho
	}
	return nil
}

// private takes out of a sentence what a receiver has sent back of the request:
// sentences stand in logs.
func (a *attempt) private(text string) string {
	text = a.hidden.MaskString(text)
	if a.url == nil {
		return text
	}
	parts := []string{string(appendTarget(nil, a.url)), a.url.RawQuery, a.url.EscapedPath(), a.url.Path}
	for _, values := range a.url.Query() {
		parts = append(parts, values...)
	}
	for _, part := range parts {
		if len(part) > 3 { // "/", and what says nothing
			text = strings.ReplaceAll(text, part, webhook.Masked)
		}
	}
	return text
}
