// Package redistest runs tests on Redis: on the in-process one that
// `postrider dev` uses, and on a real redis-server of the test's own.
package redistest

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"sync"
	"testing"
	"time"

	"github.com/postrider/postrider/internal/local"
)

// Package is redis-server under its name in each package manager.
var Package = local.Package{Apt: "redis-server", Dnf: "redis", Apk: "redis", Brew: "redis"}

// limit bounds what is done for one test outside of the test.
const limit = time.Minute

// Each runs the test twice, in parallel: as subtest "miniredis" on an in-process
// Redis whose keys expire by the clock, and as "redis" on a real server. Both are
// empty and nobody else's. test must not call t.Parallel itself.
func Each(t *testing.T, test func(t *testing.T, addr string)) {
	t.Helper()
	t.Run("miniredis", func(t *testing.T) {
		t.Parallel()
		test(t, Mini(t))
	})
	t.Run("redis", func(t *testing.T) {
		t.Parallel()
		test(t, New(t).Addr())
	})
}

// Mini starts an in-process Redis for the test and returns its host:port.
func Mini(t testing.TB) string {
	t.Helper()
	r, err := local.StartRedis()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(r.Close)
	return r.Addr()
}

// findOnce is the package's only state, so that parallel tests don't install
// redis-server at the same time.
var findOnce = sync.OnceValues(func() (string, error) {
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Minute)
	defer cancel()
	return Find(ctx)
})

// Find returns the path of redis-server. Root gets it installed if it is
// missing; for others the error is the line to type.
func Find(ctx context.Context) (string, error) {
	path, err := exec.LookPath("redis-server")
	if err == nil {
		return path, nil
	}
	if err := local.Install(ctx, os.Stderr, Package); err != nil {
		return "", fmt.Errorf("no redis-server on PATH; install it with: %s (tried by ourselves: %w)", Package.Hint(), err)
	}
	return exec.LookPath("redis-server")
}
