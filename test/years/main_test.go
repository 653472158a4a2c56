// Package years measures what a long life costs: a database with thirty days of
// deliveries beside one with a hundredth of them, and the real programs on both, in
// turn. It is no part of `make test`: `make years` runs it and writes docs/years.md.
package years

import (
	"flag"
	"testing"

	"github.com/postrider/postrider/test/e2e/stack"
)

var (
	deliveries = flag.Int("deliveries", 0, "how many deliveries of 30 days are loaded, ten for each event; 0 skips all")
	dir        = flag.String("dir", "", "`directory` that keeps the databases, so that the next run need not load them (default: they are removed)")
	keep       = flag.Bool("keep", false, "load, start everything, print where it is, and wait until interrupted")
	only       = flag.String("only", "", "comma-separated `parts` to measure: reads, scheduler, publish, retention, console (default all)")
	rounds     = flag.Int("rounds", 5, "how often each load is repeated")
	output     = flag.String("output", "", "`file` that the report is written to")
	updates    = flag.Int("updates", 0, "how many updates of deliveries TestBloat makes; 0 skips it")
)

func TestMain(m *testing.M) { stack.Main(m) }
