// Package pinned brings what tests need from other languages' registries: once,
// into bin, as lock files with hashes pin it.
package pinned

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"
	"time"
)

// bin is the repository's, for packages that are in test.
const bin = "../../bin"

// Tool is a directory under bin that is made of what files pin. It appears whole
// or not at all, under a name that changes with the files, so that a process that
// is killed while making it leaves nothing that looks finished.
type Tool struct {
	name string
	// pins are the files that say what belongs into it, by hash.
	pins []string
	make func(t testing.TB, dir string, pins []string)
}

// making keeps the tests of a process from making one tool several times.
var making sync.Mutex

// Dir is where the tool is, made at the first time.
func (tl Tool) Dir(t testing.TB) string {
	t.Helper()
	making.Lock()
	defer making.Unlock()
	sum := sha256.New()
	for _, name := range tl.pins {
		raw, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		sum.Write(raw)
	}
	bin, err := filepath.Abs(bin)
	if err != nil {
		t.Fatal(err)
	}
	target := filepath.Join(bin, tl.name+"-"+hex.EncodeToString(sum.Sum(nil)[:6]))
	if _, err := os.Stat(target); err == nil {
		return target
	}
	if err := os.MkdirAll(bin, 0o755); err != nil {
		t.Fatal(err)
	}
	tmp, err := os.MkdirTemp(bin, ".making-")
	if err != nil {
		t.Fatal(err)
	}
	defer os.RemoveAll(tmp)
	tl.make(t, tmp, tl.pins)
	// Where another process was faster, its directory is as good.
	if err := os.Rename(tmp, target); err != nil && !errors.Is(err, os.ErrExist) {
		t.Fatal(err)
	}
	return target
}

// Python is a virtual environment with what a requirements file lists. It is
// moved after it was made, so its programs are run by python -m.
func Python(name, requirements string) Tool {
	return Tool{name: name, pins: []string{requirements}, make: makeVenv}
}

// Interpreter is the environment's python.
func (tl Tool) Interpreter(t testing.TB) string {
	t.Helper()
	return filepath.Join(tl.Dir(t), "bin", "python")
}

func makeVenv(t testing.TB, dir string, pins []string) {
	requirements, err := filepath.Abs(pins[0])
	if err != nil {
		t.Fatal(err)
	}
	Run(t, dir, nil, "python3", "-m", "venv", dir)
	Run(t, dir, nil, filepath.Join(dir, "bin", "python"), "-m", "pip", "install", "--quiet", "--disable-pip-version-check",
		"--no-deps", "--only-binary", ":all:", "--require-hashes", "--requirement", requirements)
}

// Node is a directory with the node_modules of the package.json in from.
func Node(name, from string) Tool {
	pins := []string{filepath.Join(from, "package.json"), filepath.Join(from, "package-lock.json")}
	return Tool{name: name, pins: pins, make: makeModules}
}

// Modules is the tool's node_modules.
func (tl Tool) Modules(t testing.TB) string {
	t.Helper()
	return filepath.Join(tl.Dir(t), "node_modules")
}

func makeModules(t testing.TB, dir string, pins []string) {
	for _, name := range pins {
		raw, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, filepath.Base(name)), raw, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	Run(t, dir, nil, "npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error")
}

// Run runs a program to its end, which must be a good one, and returns what it
// said.
func Run(t testing.TB, dir string, env []string, program string, args ...string) string {
	t.Helper()
	said, err := Try(t, dir, env, program, args...)
	if err != nil {
		t.Fatal(err)
	}
	return said
}

// Try is Run whose program may fail. One that does not end is ended before the tests'
// time is over, so that what it said until then is seen.
func Try(t testing.TB, dir string, env []string, program string, args ...string) (string, error) {
	t.Helper()
	ctx := t.Context()
	if timed, ok := t.(interface{ Deadline() (time.Time, bool) }); ok {
		if end, ok := timed.Deadline(); ok {
			var cancel context.CancelFunc
			ctx, cancel = context.WithDeadlineCause(ctx, end.Add(-spare), errTimeIsUp)
			defer cancel()
		}
	}
	cmd := exec.CommandContext(ctx, program, args...)
	cmd.Dir, cmd.Env = dir, append(os.Environ(), env...)
	cmd.Cancel = func() error { return cmd.Process.Signal(os.Interrupt) } // it ends its children, and says what it was at
	cmd.WaitDelay = 5 * time.Second
	said, err := cmd.CombinedOutput()
	if err != nil {
		err = fmt.Errorf("%s %q: %w:\n%s", program, args, errors.Join(err, context.Cause(ctx)), said)
	}
	return string(said), err
}

// spare is what is left of the tests' time when a program is ended.
const spare = 20 * time.Second

var errTimeIsUp = errors.New("it did not end in the time that the tests have")
