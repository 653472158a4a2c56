package egress

import (
	"bytes"
	"io"
	"net/http"
	"sync"

	"github.com/postrider/postrider/internal/webhook"
)

// bodyReader reads as much of answers as is kept, through buffers it lends out
// again.
type bodyReader struct{ buffers sync.Pool }

func newBodyReader() *bodyReader {
	return &bodyReader{buffers: sync.Pool{New: func() any {
		b := make([]byte, webhook.MaxResponseBytes)
		return &b
	}}}
}

// read returns the first webhook.MaxResponseBytes of an answer's body, also with
// an error, and whether that was all of it. Beyond them it reads nothing, and
// does not close the body, which would read on: draining would let a receiver
// choose how much we read.
func (r *bodyReader) read(res *http.Response) (body []byte, all bool, err error) {
	if res.StatusCode == http.StatusSwitchingProtocols {
		// What follows is another protocol's, and nobody will end it.
		return nil, false, nil
	}
	if res.ContentLength == 0 {
		return nil, true, nil
	}
	lent := r.buffers.Get().(*[]byte)
	defer r.buffers.Put(lent)
	n, all, err := fill(*lent, res.Body)
	return bytes.Clone((*lent)[:n]), all, err
}

// fill reads until buf is full or r ends, which it reports. io.ReadFull has one
// error for an end and for a body that was cut short.
func fill(buf []byte, r io.Reader) (n int, all bool, err error) {
	for n < len(buf) {
		m, err := r.Read(buf[n:])
		n += m
		if err == io.EOF {
			return n, true, nil
		}
		if err != nil {
			return n, false, err
		}
	}
	return n, false, nil
}
