package health

import (
	"testing"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) {
	// A redis-server's watcher ends with the server.
	goleak.VerifyTestMain(m, goleak.IgnoreAnyFunction("github.com/postrider/postrider/internal/local.(*Child).run"))
}
