package postgres

import (
	"bytes"
	"encoding/binary"
	"strings"

	"github.com/postrider/postrider/internal/webhook"
)

// An attempt's headers are most of its row. They are stored packed: names and common
// values by their number in a table, signatures, ids, numbers and dates in binary, and
// a value that was there already by its place. A request's 700 bytes become 150:
// less to send to Postgres, for it to write twice, and to keep.
//
// The first byte says that they are packed. In rows of the first releases headers stand
// as on the wire, "Name: value\r\n" each, and no name begins with such a byte.
const packedHeaders = 1

func encodeHeaders(headers []webhook.Header) []byte {
	if len(headers) == 0 {
		return []byte{}
	}
	size := 1
	for _, h := range headers {
		size += 4 + min(len(h.Value), 36) // a name has a code, as a rule
	}
	b := append(make([]byte, 0, size), packedHeaders)
	for i := range headers {
		b = appendName(b, headers[i].Name)
		b = appendValue(b, headers[:i], headers[i].Value)
	}
	return b
}

func appendName(b []byte, name string) []byte {
	if code := headerCodes[name]; code != 0 {
		return append(b, code)
	}
	return appendText(append(b, 0), oneLine(name))
}

func appendText(b []byte, s string) []byte {
	return append(binary.AppendUvarint(b, uint64(len(s))), s...)
}

// oneLine makes spaces of line breaks. No name or value that got through HTTP holds
// one; a hostile receiver's that does anyway must not forge another header wherever
// they are shown.
func oneLine(s string) string {
	if !strings.ContainsAny(s, "\r\n") {
		return s
	}
	return strings.NewReplacer("\r", " ", "\n", " ").Replace(s)
}

// decodeHeaders returns those before the first that it can't read: a later release's,
// perhaps, which knows more kinds.
func decodeHeaders(b []byte) (all []webhook.Header) {
	if len(b) == 0 || b[0] != packedHeaders {
		return linesOfHeaders(b)
	}
	p := packed{rest: b[1:]}
	for len(p.rest) > 0 {
		name := p.name()
		value := p.value(all)
		if p.broken {
			break
		}
		all = append(all, webhook.Header{Name: name, Value: value})
	}
	return all
}

func linesOfHeaders(b []byte) (all []webhook.Header) {
	for line := range bytes.SplitSeq(b, []byte("\r\n")) {
		if name, value, ok := bytes.Cut(line, []byte(": ")); ok {
			all = append(all, webhook.Header{Name: string(name), Value: string(value)})
		}
	}
	return all
}

// packed reads from what is left. Once broken it returns nothing of use.
type packed struct {
	rest   []byte
	broken bool
}

func (p *packed) bytes(n uint64) []byte {
	if n > uint64(len(p.rest)) {
		p.broken = true
		return nil
	}
	b := p.rest[:n]
	p.rest = p.rest[n:]
	return b
}

func (p *packed) byte() (c byte) {
	if b := p.bytes(1); len(b) == 1 {
		c = b[0]
	}
	return c
}

func (p *packed) number() uint64 {
	v, n := binary.Uvarint(p.rest)
	if n <= 0 {
		p.broken = true
		return 0
	}
	p.rest = p.rest[n:]
	return v
}

func (p *packed) text() string { return string(p.bytes(p.number())) }

// of is the entry of a table.
func (p *packed) of(table []string, n byte) string {
	if int(n) >= len(table) {
		p.broken = true
		return ""
	}
	return table[n]
}

func (p *packed) name() string {
	if code := p.byte(); code != 0 {
		return p.of(headerNames[:], code)
	}
	return p.text()
}
