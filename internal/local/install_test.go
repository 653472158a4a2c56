package local

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestInstall has a package manager of its own on PATH: a script that notes how
// it was called.
func TestInstall(t *testing.T) {
	dir := t.TempDir()
	calls := filepath.Join(dir, "calls")
	script := "#!/bin/sh\necho \"$1 $DEBIAN_FRONTEND\" >>" + calls + "\nlast=x\nfor last; do :; done\necho \"asked for $last\"\ntest $last != missing\n"
	must(t, os.WriteFile(filepath.Join(dir, "apt-get"), []byte(script), 0o755))
	t.Setenv("PATH", dir+":/bin:/usr/bin")

	if hint := PostgresPackage.Hint(); hint != "sudo apt-get install postgresql" {
		t.Errorf("hint is %q", hint)
	}
	var output bytes.Buffer
	err := Install(bounded(t), &output, Package{Apt: "some"}, Package{Apt: "other"})
	if os.Geteuid() != 0 {
		if err == nil {
			t.Error("installed without being root")
		}
		return
	}
	must(t, err)
	raw, err := os.ReadFile(calls)
	must(t, err)
	if got := string(raw); got != "update noninteractive\ninstall noninteractive\n" {
		t.Errorf("apt-get was called as %q", got)
	}
	if !strings.Contains(output.String(), "some other") {
		t.Errorf("said %q", output.String())
	}
	if err := Install(bounded(t), &output, Package{Apt: "missing"}); err == nil || !strings.Contains(err.Error(), "asked for missing") {
		t.Errorf("got %v", err)
	}
}
