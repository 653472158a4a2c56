package egress

import (
	"net"
	"time"
)

const (
	// readGrace is how long a failed write waits for an answer.
	readGrace = 100 * time.Millisecond
	// writeGrace is how long a body whose answer is here may take to its end.
	writeGrace = 50 * time.Millisecond
)

// upload is a request on its way. That it failed is not the last word: a receiver
// may have answered early and hung up, and then the answer, or a TLS alert, is
// still there to be read.
type upload struct {
	err  error         // once done
	done chan struct{} // nil when it was written at once
}

// send writes the request. A large body goes its own way, or a receiver that
// answers without reading it would wait for us to read, and we for it.
func (x *exchange) send(a *attempt, l *link) *upload {
	u := &upload{}
	if x.rest == nil {
		_, err := l.Write(x.request)
		u.wrote(a.deadline, l, err)
		return u
	}
	u.done = make(chan struct{})
	parts, deadline := net.Buffers{x.request, x.rest}, a.deadline
	go func() {
		defer close(u.done)
		_, err := parts.WriteTo(l.Conn)
		u.wrote(deadline, l, err)
	}()
	return u
}

func (u *upload) wrote(deadline time.Time, l *link, err error) {
	u.err = err
	if err == nil || isTimeout(err) {
		return // no time is left, to read either
	}
	if grace := time.Now().Add(readGrace); grace.Before(deadline) {
		_ = l.SetReadDeadline(grace)
	}
}

// end waits for the upload and reports whether all was written. One that nobody
// needs any more is stopped by closing the connection.
func (u *upload) end(l *link, wanted bool) bool {
	if u.done == nil {
		return u.err == nil
	}
	if wanted {
		late := time.NewTimer(writeGrace)
		defer late.Stop()
		select {
		case <-u.done:
		case <-late.C:
		}
	}
	select {
	case <-u.done:
	default:
		l.close()
		<-u.done
	}
	return u.err == nil
}
