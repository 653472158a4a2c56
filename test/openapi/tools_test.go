package openapi

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// tool is a directory under bin that is made of what a file pins. It appears
// whole or not at all, under a name that changes with the file, so that a
// process that is killed while making it leaves nothing that looks finished.
type tool struct {
	name string
	// pins are the files that say what belongs into it, by hash.
	pins []string
	make func(t *testing.T, dir string)
}

// dir is where the tool is, made at the first time.
func (tl tool) dir(t *testing.T) string {
	t.Helper()
	sum := sha256.New()
	for _, name := range tl.pins {
		raw, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		sum.Write(raw)
	}
	bin, err := filepath.Abs("../../bin")
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
	tl.make(t, tmp)
	// Where another process was faster, its directory is as good.
	if err := os.Rename(tmp, target); err != nil && !errors.Is(err, os.ErrExist) {
		t.Fatal(err)
	}
	return target
}

// schemathesis is a virtual environment of Python's. It is moved after it was
// made, so its programs are run by python -m.
var schemathesis = tool{name: "schemathesis", pins: []string{"requirements.txt"}, make: func(t *testing.T, dir string) {
	requirements, err := filepath.Abs("requirements.txt")
	if err != nil {
		t.Fatal(err)
	}
	run(t, dir, nil, "python3", "-m", "venv", dir)
	run(t, dir, nil, filepath.Join(dir, "bin", "python"), "-m", "pip", "install", "--quiet", "--disable-pip-version-check",
		"--no-deps", "--only-binary", ":all:", "--require-hashes", "--requirement", requirements)
}}

// redocly is the linter.
var redocly = tool{name: "redocly", pins: []string{"package.json", "package-lock.json"}, make: func(t *testing.T, dir string) {
	for _, name := range []string{"package.json", "package-lock.json"} {
		raw, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, name), raw, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	run(t, dir, nil, "npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error")
}}

// run runs a program to its end, which must be a good one.
func run(t *testing.T, dir string, env []string, program string, args ...string) string {
	t.Helper()
	said, err := try(t, dir, env, program, args...)
	if err != nil {
		t.Fatal(err)
	}
	return said
}

func try(t *testing.T, dir string, env []string, program string, args ...string) (string, error) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), program, args...)
	cmd.Dir, cmd.Env = dir, append(os.Environ(), env...)
	said, err := cmd.CombinedOutput()
	if err != nil {
		err = fmt.Errorf("%s %q: %w:\n%s", program, args, err, said)
	}
	return string(said), err
}
