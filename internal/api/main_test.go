package api

import (
	"testing"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) {
	goleak.VerifyTestMain(m,
		// pgtest's server runs as long as this process.
		goleak.IgnoreAnyFunction("os/exec.(*Cmd).watchCtx.func1"), goleak.IgnoreAnyFunction("os.(*Process).Wait"))
}
