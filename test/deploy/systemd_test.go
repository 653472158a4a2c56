package deploy

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/postrider/postrider/internal/local"
)

const units = "../../deploy/systemd"

// mostExposed is systemd's own figure for what a unit may do, of 10: what is left is
// the network, which this is about, and the host's root directory, read-only.
const mostExposed = 1.5

var findSystemd = sync.OnceValues(func() (string, error) {
	if path, err := exec.LookPath("systemd-analyze"); err == nil {
		return path, nil
	}
	pkg := local.Package{Apt: "systemd", Dnf: "systemd"}
	if err := local.Install(context.Background(), os.Stderr, pkg); err != nil {
		return "", err
	}
	return exec.LookPath("systemd-analyze")
})

// host is a root directory as the units expect it.
func host(t *testing.T) string {
	t.Helper()
	root := t.TempDir()
	for _, dir := range []string{"opt/postrider/bin", "etc/postrider", "etc/systemd/system", "usr/lib/systemd"} {
		must(t, os.MkdirAll(filepath.Join(root, dir), 0o755))
	}
	for _, name := range []string{"api", "worker", "scheduler", "postrider"} {
		must(t, os.WriteFile(filepath.Join(root, "opt/postrider/bin", name), []byte("#!/bin/sh\n"), 0o755))
	}
	must(t, os.CopyFS(filepath.Join(root, "etc/systemd/system"), os.DirFS(units)))
	// Copied: systemd looks for what a unit refers to, links included, below the root.
	for _, dir := range []string{"/usr/lib/systemd/system", "/lib/systemd/system"} {
		if _, err := os.Stat(dir); err == nil {
			must(t, exec.CommandContext(t.Context(), "cp", "-R", dir, filepath.Join(root, "usr/lib/systemd/")).Run())
			break
		}
	}
	return root
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func TestSystemdUnits(t *testing.T) {
	t.Parallel()
	analyze, err := findSystemd()
	must(t, err)
	files, err := filepath.Glob(units + "/*.service")
	must(t, err)
	if len(files) != 4 {
		t.Fatalf("the units are %q", files)
	}
	root := host(t)
	for _, file := range files {
		unit := "/etc/systemd/system/" + filepath.Base(file)
		out, err := exec.CommandContext(t.Context(), analyze, "verify", "--man=no", "--recursive-errors=no", "--root="+root, root+unit).CombinedOutput()
		if err != nil || len(out) > 0 {
			t.Errorf("%s: %v %s", unit, err, out)
		}
		if got := exposure(t, analyze, root, unit); got > mostExposed {
			t.Errorf("%s is exposed at %.1f of 10", unit, got)
		}
	}
}

var overall = regexp.MustCompile(`Overall exposure level for \S+: ([0-9.]+)`)

// exposure is what systemd says in the end.
func exposure(t *testing.T, analyze, root, unit string) float64 {
	t.Helper()
	out, err := exec.CommandContext(t.Context(), analyze, "security", "--offline=true", "--root="+root, unit).CombinedOutput()
	must(t, err)
	found := overall.FindSubmatch(out)
	if found == nil {
		t.Fatalf("%s: systemd says %s", unit, out)
	}
	sum, err := strconv.ParseFloat(string(found[1]), 64)
	must(t, err)
	return sum
}

// TestSystemdUnitsStopInTime holds them to docs/operations.md.
func TestSystemdUnitsStopInTime(t *testing.T) {
	t.Parallel()
	for _, role := range []string{"api", "worker", "scheduler"} {
		text, err := os.ReadFile(filepath.Join(units, "postrider-"+role+".service"))
		must(t, err)
		for _, want := range []string{"\nTimeoutStopSec=95s\n", "\nExecStart=/opt/postrider/bin/" + role + "\n", "\nRestart=always\n"} {
			if !strings.Contains(string(text), want) {
				t.Errorf("the %s's unit has no%s", role, want)
			}
		}
	}
}
