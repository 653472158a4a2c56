package hostile

import (
	"net"
	"testing"
)

// SamePort listens on one port of two addresses.
func SamePort(t testing.TB, a, b string) (net.Listener, net.Listener) {
	t.Helper()
	for range 20 {
		first, err := net.Listen("tcp", a+":0")
		if err != nil {
			t.Fatal(err)
		}
		_, port, _ := net.SplitHostPort(first.Addr().String())
		second, err := net.Listen("tcp", net.JoinHostPort(b, port))
		if err == nil {
			return first, second
		}
		first.Close() // another test has that port of b
	}
	t.Fatalf("no port is free on both %s and %s", a, b)
	return nil, nil
}
