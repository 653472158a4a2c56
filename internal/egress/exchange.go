package egress

import (
	"bufio"
	"fmt"
	"math"
	"net/http"
	"sync"

	"github.com/postrider/postrider/internal/webhook"
)

// maxInline is the largest body that is written together with the headers. The
// buffers of a socket take that much, whether or not the receiver reads.
const maxInline = 16 << 10

// answerBuffer is what most answers fit in, head and all. A larger one is read in parts.
const answerBuffer = 2 << 10

// exchange is what it takes to send a request and read its answer. The buffers
// are lent: an idle connection holds none.
type exchange struct {
	request []byte // line, headers, and a body of at most maxInline
	rest    []byte // a larger body
	in      *bufio.Reader
	source  bounded
}

func newExchanges() *sync.Pool {
	return &sync.Pool{New: func() any {
		x := &exchange{}
		x.in = bufio.NewReaderSize(&x.source, answerBuffer)
		return x
	}}
}

// compose writes the request into the buffer.
func (x *exchange) compose(req *Request, t *target) (err error) {
	x.rest = nil
	if x.request, err = appendHead(x.request[:0], req, t); err != nil {
		return err
	}
	if len(req.Body) > maxInline {
		x.rest = req.Body
		return nil
	}
	x.request = append(x.request, req.Body...)
	return nil
}

// release gives the buffers back, unless somebody's headers made them large.
func (x *exchange) release(to *sync.Pool) {
	x.rest, x.source = nil, bounded{}
	if cap(x.request) <= 4*maxInline {
		to.Put(x)
	}
}

// run makes the request over l and reports whether l can be used again.
func (x *exchange) run(a *attempt, l *link, bodies *bodyReader, res *webhook.Response) (keep bool, err error) {
	x.source = bounded{from: l, left: maxHeaderBytes}
	x.in.Reset(&x.source)
	u := x.send(a, l)
	keep, err = x.receive(a, bodies, res)
	if !u.end(l, keep) {
		keep = false
	}
	return keep, x.cause(a, u, err)
}

// cause finds out what an error is really about.
func (x *exchange) cause(a *attempt, u *upload, err error) error {
	if err == nil {
		return nil
	}
	if isTimeout(x.source.failed) && !isTimeout(err) {
		// The parser takes what was there until then for all there is.
		err = fmt.Errorf("%w (%w)", x.source.failed, err)
	}
	if u.err != nil && isTimeout(err) && !a.expired() {
		return u.err // no answer was left in a connection that can't be written to
	}
	return err
}

func (x *exchange) receive(a *attempt, bodies *bodyReader, res *webhook.Response) (keep bool, err error) {
	answer, err := x.headers(a) //nolint:bodyclose // closing would read the rest, however long; the connection is closed instead
	if err != nil {
		return false, err
	}
	if answer.StatusCode < 100 {
		return false, fmt.Errorf("status %03d", answer.StatusCode)
	}
	a.enter(phaseBody)
	res.StatusCode, res.Header = answer.StatusCode, answer.Header
	body, all, err := bodies.read(answer)
	res.Body = body
	return all && err == nil && !answer.Close && answer.Proto == "HTTP/1.1" && x.in.Buffered() == 0, err
}

// headers reads an answer up to its body, past the informational ones.
func (x *exchange) headers(a *attempt) (*http.Response, error) {
	if _, err := x.in.Peek(1); err != nil {
		return nil, err
	}
	a.answered = true
	if err := foreign(x.in); err != nil {
		return nil, err
	}
	for {
		answer, err := http.ReadResponse(x.in, nil)
		if err != nil {
			return nil, err
		}
		// 101 is no promise of an answer to come.
		if answer.StatusCode/100 != 1 || answer.StatusCode == http.StatusSwitchingProtocols {
			x.source.left = math.MaxInt
			return answer, nil
		}
	}
}

// bounded reads a number of bytes, and no more than them.
type bounded struct {
	from   *link
	left   int
	failed error // what ended it
}

func (b *bounded) Read(p []byte) (int, error) {
	if b.left <= 0 {
		return 0, fmt.Errorf("the headers are longer than %d bytes", maxHeaderBytes)
	}
	n, err := b.from.Read(p[:min(len(p), b.left)])
	b.left -= n
	if err != nil {
		b.failed = err
	}
	return n, err
}
