package app

import (
	"io"
	"net"
	"sync"
	"sync/atomic"
	"time"
)

// boundedListener answers 503 on connections beyond its bound. Left waiting, their
// clients would not know why, and those who look after the process's health
// neither.
type boundedListener struct {
	net.Listener
	most int64
	open atomic.Int64
}

func newBoundedListener(l net.Listener, most int64) *boundedListener {
	return &boundedListener{Listener: l, most: most}
}

// Accept implements net.Listener.
func (l *boundedListener) Accept() (net.Conn, error) {
	for {
		conn, err := l.Listener.Accept()
		if err != nil {
			return nil, err
		}
		if l.open.Add(1) <= l.most {
			return &boundedConn{Conn: conn, left: sync.OnceFunc(func() { l.open.Add(-1) })}, nil
		}
		l.open.Add(-1)
		refuse(conn)
	}
}

const refusal = "HTTP/1.1 503 Service Unavailable\r\nRetry-After: 1\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"

// refuse never waits: a new connection has room for so little.
func refuse(conn net.Conn) {
	_ = conn.SetWriteDeadline(time.Now().Add(100 * time.Millisecond))
	_, _ = io.WriteString(conn, refusal)
	_ = conn.Close()
}

type boundedConn struct {
	net.Conn
	left func()
}

// Close implements net.Conn.
func (c *boundedConn) Close() error {
	defer c.left()
	return c.Conn.Close()
}
