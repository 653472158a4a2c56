package ingest

import (
	"bytes"
	"errors"
	"net"
	"net/url"
	"testing"

	"github.com/jackc/pgx/v5/pgconn"
)

// proxy stands between an Ingester and Postgres. Once armed, it swallows the
// answer to the next commit and cuts the connection.
type proxy struct {
	network, address string // Postgres's
	listener         net.Listener
	armed            chan struct{}
	cut              chan struct{}
}

// newProxy also returns the connection string that leads through it.
func newProxy(t *testing.T, dsn string) (p *proxy, through string) {
	t.Helper()
	cfg, err := pgconn.ParseConfig(dsn)
	must(t, err)
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	must(t, err)
	p = &proxy{listener: listener, armed: make(chan struct{}, 100), cut: make(chan struct{}, 100)}
	p.network, p.address = pgconn.NetworkAddress(cfg.Host, cfg.Port)
	t.Cleanup(func() { listener.Close() })
	go func() {
		for {
			client, err := listener.Accept()
			if err != nil {
				return // the test is over
			}
			go p.carry(client)
		}
	}()
	u, err := url.Parse(dsn)
	must(t, err)
	host, port, err := net.SplitHostPort(listener.Addr().String())
	must(t, err)
	u.RawQuery = url.Values{"host": {host}, "port": {port}, "sslmode": {"disable"}}.Encode()
	return p, u.String()
}

// wasCut fails a test that did not meet what it is about.
func (p *proxy) wasCut(t *testing.T) {
	t.Helper()
	select {
	case <-p.cut:
	default:
		t.Fatal("no answer got lost")
	}
}

func (p *proxy) carry(client net.Conn) {
	defer client.Close()
	server, err := net.Dial(p.network, p.address)
	if err != nil {
		return
	}
	defer server.Close()
	go func() {
		defer server.Close()
		for buf := make([]byte, 64<<10); ; {
			n, err := client.Read(buf)
			if _, writeErr := server.Write(buf[:n]); errors.Join(err, writeErr) != nil {
				return
			}
		}
	}()
	p.answer(client, server)
}

// Idle is how Postgres says that a transaction is over, and inserted what it
// says about a row before that.
var idle, inserted = []byte("Z\x00\x00\x00\x05I"), []byte("INSERT 0 ")

func (p *proxy) answer(client, server net.Conn) {
	var said []byte // since the last transaction
	for buf := make([]byte, 64<<10); ; {
		n, err := server.Read(buf)
		if err != nil {
			return
		}
		if said = append(said, buf[:n]...); bytes.HasSuffix(said, idle) {
			if bytes.Contains(said, inserted) {
				select {
				case <-p.armed:
					p.cut <- struct{}{}
					return
				default:
				}
			}
			said = nil
		}
		if _, err := client.Write(buf[:n]); err != nil {
			return
		}
	}
}
