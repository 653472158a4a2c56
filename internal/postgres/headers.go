package postgres

import (
	"bytes"
	"strings"

	"github.com/postrider/postrider/internal/webhook"
)

// Headers are stored as they stand on the wire: "Name: value\r\n" each. No name
// or value that got through HTTP holds a line break; one that does anyway (a
// hostile receiver's) must not forge another header, so it becomes a space.

func encodeHeaders(headers []webhook.Header) []byte {
	if len(headers) == 0 {
		return []byte{}
	}
	size := 0
	for _, h := range headers {
		size += len(h.Name) + len(h.Value) + 4
	}
	b := make([]byte, 0, size)
	for _, h := range headers {
		b = append(b, oneLine(h.Name)...)
		b = append(b, ": "...)
		b = append(b, oneLine(h.Value)...)
		b = append(b, "\r\n"...)
	}
	return b
}

func oneLine(s string) string {
	if !strings.ContainsAny(s, "\r\n") {
		return s
	}
	return strings.NewReplacer("\r", " ", "\n", " ").Replace(s)
}

func decodeHeaders(b []byte) []webhook.Header {
	var out []webhook.Header
	for line := range bytes.SplitSeq(b, []byte("\r\n")) {
		if name, value, ok := bytes.Cut(line, []byte(": ")); ok {
			out = append(out, webhook.Header{Name: string(name), Value: string(value)})
		}
	}
	return out
}
