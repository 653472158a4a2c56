package openapi

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/postrider/postrider/test/pinned"
)

// TestLint holds openapi.json to the rules of a linter; internal/api's tests hold
// the file to the code.
func TestLint(t *testing.T) {
	t.Parallel()
	needsNode(t)
	cli := filepath.Join(redocly.Modules(t), "@redocly", "cli", "bin", "cli.js")
	pinned.Run(t, ".", quiet, "node", cli, "lint", "../../openapi.json", "--config", "redocly.yaml", "--format", "stylish")
}

// quiet: nothing is sent anywhere, and nobody is asked for a newer version.
var quiet = []string{"REDOCLY_TELEMETRY=off", "REDOCLY_SUPPRESS_UPDATE_NOTICE=true"}

// needsNode skips the test where Node is too old for the linter, as a
// distribution's may be. CI's must not be.
func needsNode(t *testing.T) {
	t.Helper()
	const recent = `const [a, b] = process.versions.node.split("."); process.exit(+a > 22 || +a == 22 && +b >= 12 || +a == 20 && +b >= 19 ? 0 : 3)`
	_, err := exec.LookPath("npm")
	if err == nil {
		_, err = pinned.Try(t, ".", nil, "node", "-e", recent)
	}
	switch {
	case err == nil:
	case os.Getenv("CI") != "":
		t.Fatalf("the linter needs Node 20.19 or 22.12 and npm: %v", err)
	default:
		t.Skipf("the linter needs Node 20.19 or 22.12 and npm: %v", err)
	}
}
