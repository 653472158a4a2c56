package client

import (
	"bufio"
	"bytes"
	"errors"
	"io"
)

// sseMessage is a message of server-sent events; one that is nothing but a sign of life
// has no event and no data.
type sseMessage struct {
	id, event string
	data      []byte
}

// sseReader reads https://html.spec.whatwg.org/multipage/server-sent-events.html as far
// as the API and proxies on the way write it.
type sseReader struct {
	r   *bufio.Reader
	max int64
}

func newSSEReader(r io.Reader, limit int64) *sseReader {
	return &sseReader{bufio.NewReaderSize(r, 16<<10), limit}
}

// next waits for the next message.
func (s *sseReader) next() (m sseMessage, err error) {
	said := false
	for {
		line, err := s.line()
		if err != nil {
			return m, err // a message without its end is none
		}
		if len(line) == 0 {
			if said {
				return m, nil
			}
			continue
		}
		name, value, _ := bytes.Cut(line, []byte(":"))
		value = bytes.TrimPrefix(value, []byte(" "))
		switch string(name) {
		case "":
			said = true // a comment
		case "id":
			m.id, said = string(value), true
		case "event":
			m.event, said = string(value), true
		case "data":
			if m.data != nil {
				m.data = append(m.data, '\n')
			}
			m.data = append(m.data, value...)
			said = true
		}
	}
}

// line is the next one, without its end.
func (s *sseReader) line() (line []byte, err error) {
	for {
		part, err := s.r.ReadSlice('\n')
		line = append(line, part...)
		switch {
		case errors.Is(err, bufio.ErrBufferFull):
			if int64(len(line)) > s.max {
				return nil, errTooLarge
			}
		case err != nil:
			return nil, err
		default:
			return bytes.TrimRight(line, "\r\n"), nil
		}
	}
}
