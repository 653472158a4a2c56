// Package cli runs the command line against the real programs: each script of
// testdata has a workspace and a receiver of its own.
package cli

import (
	"testing"

	"github.com/postrider/postrider/test/e2e/stack"
)

func TestMain(m *testing.M) { stack.Main(m) }
