// Package e2e tests the real programs from outside: processes that are started,
// signalled and killed, on a real Postgres and a real Redis.
package e2e

import (
	"testing"

	"github.com/postrider/postrider/test/e2e/stack"
)

func TestMain(m *testing.M) {
	serveInstead()
	stack.Main(m)
}
