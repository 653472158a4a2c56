// Package receivers tests the receivers of examples/receivers, and what
// docs/receiving.md tells those who write their own, against real Postrider
// processes.
package receivers

import (
	"testing"

	"github.com/postrider/postrider/test/e2e/stack"
)

func TestMain(m *testing.M) { stack.Main(m) }

// secret is that of the contract's vectors, another is none of Postrider's.
const (
	secret  = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
	another = "whsec_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
)
