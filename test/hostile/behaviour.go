package hostile

import (
	"cmp"
	"crypto/tls"
	"net"
	"testing"
)

// Behaviour is one way to receive.
type Behaviour struct {
	// Name is the test's, Does the row's on the page.
	Name, Does string
	// Hangs: only the timeout ends it.
	Hangs bool
	// Status and Body are what is kept of the answer; 0 for none, nil for a body
	// that nobody looks at.
	Status int
	Body   []byte
	// Host is what the URL names; default 127.0.0.1.
	Host string
	// HTTPS makes the URL so, Config what is listened with: the two may differ.
	HTTPS  bool
	Config func(t testing.TB, known *Authority) *tls.Config
	// Serve handles a connection; nil for one that nobody listens for.
	Serve func(*Conn)
}

// Start returns the URL to send to. Of a receiver that nobody listens for the
// server is nil.
func (b *Behaviour) Start(t testing.TB, known *Authority) (url string, s *Server) {
	t.Helper()
	port := ""
	if b.Serve == nil {
		port = closedPort(t)
	} else {
		var config *tls.Config
		if b.Config != nil {
			config = b.Config(t, known)
		}
		s = Listen(t, "127.0.0.1:0", config, b.Serve)
		port = s.Port()
	}
	scheme := "http"
	if b.HTTPS {
		scheme = "https"
	}
	return scheme + "://" + cmp.Or(b.Host, "127.0.0.1") + ":" + port + "/hook?token=s3cret", s
}

// closedPort is one that stays taken, but by a socket that does not listen: nobody
// else can get it until the test ends.
func closedPort(t testing.TB) string {
	t.Helper()
	lis, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer lis.Close()
	// A connection from the port keeps it taken after the listener has gone.
	keeper, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	port := lis.Addr().(*net.TCPAddr).Port
	lis.Close()
	d := net.Dialer{LocalAddr: &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: port}}
	conn, err := d.Dial("tcp", keeper.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		conn.Close()
		keeper.Close()
	})
	_, text, _ := net.SplitHostPort(conn.LocalAddr().String())
	return text
}

// Behaviours are all of them.
func Behaviours() []Behaviour {
	var all []Behaviour
	for _, group := range [][]Behaviour{hanging(), breaking(), malformed(), endlessly(), insecure(), unnamed(), statuses(), odd()} {
		all = append(all, group...)
	}
	return all
}
