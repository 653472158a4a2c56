// Package chaos breaks the real programs, their Postgres and their Redis under
// load, and checks that what was answered with 202 arrives all the same. `make
// test` runs a short form, `make chaos` and `make soak` run all of it.
package chaos

import (
	"flag"
	"testing"

	"github.com/postrider/postrider/test/e2e/stack"
)

// The defaults are the short form.
var (
	kills  = flag.Int("kills", 10, "how many `SIGKILL`s, spread over the roles")
	faults = flag.String("faults", "flushall,redis-restart,postgres-killed", "`keys` of other faults, comma-separated; all, or none")
	seed   = flag.Uint64("seed", 1, "of the random choices")
	output = flag.String("output", "", "`file` that the report is written to")
	rate   = flag.Int("rate", 50, "events published a second")
)

func TestMain(m *testing.M) { stack.Main(m) }
