// Package cli runs the command line against the real programs: each script of
// testdata has a workspace and a receiver of its own.
package cli

import (
	"testing"

	// The programs are built by a test, which go test's cache does not see: without
	// these it would tell the result of another program.
	_ "github.com/postrider/postrider/internal/app"
	_ "github.com/postrider/postrider/internal/cli"

	"github.com/postrider/postrider/test/e2e/stack"
)

func TestMain(m *testing.M) { stack.Main(m) }
