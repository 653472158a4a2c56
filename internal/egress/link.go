package egress

import (
	"crypto/tls"
	"net"
	"syscall"
	"time"
)

const (
	// closeGrace bounds what TLS may take to say goodbye to a receiver that does
	// not read; crypto/tls itself would wait for 5 s.
	closeGrace = 100 * time.Millisecond
	// settleTime is how long an idle connection may take to deal with what
	// arrived on it.
	settleTime = time.Millisecond
)

// longAgo is a deadline that ends reads and writes at once.
func longAgo() time.Time { return time.Unix(1, 0) }

// glance is what a look at an idle connection finds.
type glance int

const (
	unknown glance = iota // this socket can't be looked at
	silent
	pending // there are bytes to read
	ended
)

// link is a connection to a receiver, and a member of the pool while idle.
type link struct {
	net.Conn
	to     route
	socket net.Conn // below TLS, if there is any
	secure bool
	raw    syscall.RawConn // of socket; nil when it has none
	look   func(fd uintptr)
	seen   glance // by look
	byte   [1]byte
	// Of the pool, which guards them.
	since        time.Time
	above, below *link // to the same route
	newer, older *link // to all of them
}

func newLink(conn net.Conn, to route) *link {
	l := &link{Conn: conn, to: to, socket: conn}
	for {
		layer, ok := l.socket.(*tls.Conn)
		if !ok {
			break
		}
		l.socket, l.secure = layer.NetConn(), true
	}
	if s, ok := l.socket.(syscall.Conn); ok {
		l.raw, _ = s.SyscallConn() // nil on an error
	}
	l.look = l.lookAt
	return l
}

// interrupt ends what is read or written at the moment, and all later attempts.
func (l *link) interrupt() { _ = l.SetDeadline(longAgo()) }

// quiet reports whether an idle connection is open and nothing came on it: what
// nobody asked for must not be taken for the answer to the next request. It
// leaves a deadline behind.
func (l *link) quiet() bool {
	// TLS may hold what the socket has no more: it reads ahead.
	if l.secure && !l.drained(longAgo()) {
		return false
	}
	switch l.glance() {
	case silent:
		return true
	case ended:
		return false
	case pending:
		// With TLS this may be a session ticket, which is no answer.
		return l.secure && l.drained(time.Now().Add(settleTime))
	}
	return l.drained(time.Now().Add(settleTime))
}

// drained reports whether there is nothing to read until a time.
func (l *link) drained(until time.Time) bool {
	if l.SetReadDeadline(until) != nil {
		return false
	}
	n, err := l.Read(l.byte[:])
	return n == 0 && isTimeout(err)
}

// close may be called twice, and while another goroutine writes, which it ends.
func (l *link) close() {
	if l.secure {
		grace := time.AfterFunc(closeGrace, func() { l.socket.Close() })
		defer grace.Stop()
	}
	l.Close()
}
