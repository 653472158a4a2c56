package stack

import (
	"errors"
	"math/rand/v2"
	"net"
	"strconv"
	"sync"
	"testing"
)

// Ports below those that the kernel hands out for outgoing connections.
const firstPort, ports = 10000, 22000

// taken keeps tests of one process from getting each other's port before
// somebody listens on it.
var taken sync.Map

// FreeAddr is a loopback address that nobody listens on.
func FreeAddr(t testing.TB) string {
	t.Helper()
	var errs error
	for range 50 {
		addr := net.JoinHostPort("127.0.0.1", strconv.Itoa(firstPort+rand.IntN(ports)))
		if _, already := taken.LoadOrStore(addr, true); already {
			continue
		}
		lis, err := net.Listen("tcp", addr)
		if err == nil {
			err = lis.Close()
		}
		if err == nil {
			return addr
		}
		errs = errors.Join(errs, err)
	}
	t.Fatal(errs)
	return ""
}
