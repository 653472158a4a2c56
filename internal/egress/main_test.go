package egress

import (
	"io"
	"log"
	"testing"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) {
	// net/http complains on the standard logger about what hostile receivers send.
	log.SetOutput(io.Discard)
	goleak.VerifyTestMain(m)
}
