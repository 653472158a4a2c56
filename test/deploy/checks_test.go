package deploy

import (
	"os"
	"os/exec"
	"testing"
)

// TestChecks runs the module that has Helm, Kubernetes' types and Compose's loader.
func TestChecks(t *testing.T) {
	t.Parallel()
	cmd := exec.CommandContext(t.Context(), "go", "test", "-count", "1", "./...")
	cmd.Dir = "checks"
	cmd.Env = append(os.Environ(), "GOWORK=off", "GOFLAGS=-mod=readonly")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
}
