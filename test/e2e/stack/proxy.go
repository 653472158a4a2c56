package stack

import (
	"errors"
	"net"
	"net/url"
	"path/filepath"
	"sync"
	"testing"
	"time"
)

// Proxy stands before a server and can make it seem to hang, as a network does
// that loses everything: connections stay open and nothing comes through.
type Proxy struct {
	network, server string
	lis             net.Listener
	group           sync.WaitGroup

	mu     sync.Mutex
	thawed chan struct{} // closed while everything gets through
	delay  time.Duration // of all that gets through
	conns  []net.Conn
	closed bool
}

// NewProxy starts one before the server at an address.
func NewProxy(t testing.TB, network, address string) *Proxy {
	t.Helper()
	lis, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	p := &Proxy{network: network, server: address, lis: lis, thawed: make(chan struct{})}
	close(p.thawed)
	p.group.Go(p.accept)
	t.Cleanup(p.close)
	return p
}

// PostgresProxy starts one before a database that is reached by a socket file,
// as those of pgtest are, and returns the URL that leads through it.
func PostgresProxy(t testing.TB, postgresURL string) (p *Proxy, through string) {
	t.Helper()
	u, err := url.Parse(postgresURL)
	if err != nil {
		t.Fatal(err)
	}
	p = NewProxy(t, "unix", filepath.Join(u.Query().Get("host"), ".s.PGSQL."+u.Query().Get("port")))
	return p, (&url.URL{Scheme: u.Scheme, User: u.User, Host: p.Addr(), Path: u.Path, RawQuery: "sslmode=disable"}).String()
}

// Addr is where the proxy listens.
func (p *Proxy) Addr() string { return p.lis.Addr().String() }

// Freeze lets nothing through any more.
func (p *Proxy) Freeze() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.thawed = make(chan struct{})
}

// Thaw lets everything through again, also what was sent meanwhile.
func (p *Proxy) Thaw() {
	p.mu.Lock()
	defer p.mu.Unlock()
	select {
	case <-p.thawed:
	default:
		close(p.thawed)
	}
}

// Cut closes all connections; new ones get through.
func (p *Proxy) Cut() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, c := range p.conns {
		c.Close()
	}
	p.conns = nil
}

// Delay holds up by d whatever is sent from now on, in either direction.
func (p *Proxy) Delay(d time.Duration) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.delay = d
}

func (p *Proxy) close() {
	p.lis.Close()
	p.mu.Lock()
	p.closed = true
	for _, c := range p.conns {
		c.Close()
	}
	p.mu.Unlock()
	p.Thaw() // what was held back finds its connection closed
	p.group.Wait()
}

func (p *Proxy) accept() {
	for {
		client, err := p.lis.Accept()
		if err != nil {
			return
		}
		server, err := net.Dial(p.network, p.server)
		if err != nil {
			client.Close()
			continue
		}
		if !p.keep(client, server) {
			return
		}
		p.group.Go(func() { p.copy(server, client) })
		p.group.Go(func() { p.copy(client, server) })
	}
}

// keep notes connections to be closed at the end; false after it.
func (p *Proxy) keep(conns ...net.Conn) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed {
		for _, c := range conns {
			c.Close()
		}
		return false
	}
	p.conns = append(p.conns, conns...)
	return true
}

// copy ends both connections when either ends.
func (p *Proxy) copy(to, from net.Conn) {
	defer to.Close()
	defer from.Close()
	buf := make([]byte, 32<<10)
	for {
		n, err := from.Read(buf)
		p.mu.Lock()
		thawed, delay := p.thawed, p.delay
		p.mu.Unlock()
		if delay > 0 {
			<-time.After(delay)
		}
		<-thawed
		if _, writeErr := to.Write(buf[:n]); errors.Join(err, writeErr) != nil {
			return
		}
	}
}
