package ingest

import (
	"testing"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) {
	// pgtest's server, if this process had to start one, ends with the process.
	goleak.VerifyTestMain(m, goleak.IgnoreAnyFunction("github.com/postrider/postrider/internal/local.(*Child).run"))
}
