package checks

import (
	"io"
	"log"
	"os"
	"testing"
)

func TestMain(m *testing.M) {
	log.SetOutput(io.Discard) // Helm says of each load that rules is a link
	os.Exit(m.Run())
}
