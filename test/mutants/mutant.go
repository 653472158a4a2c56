package main

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// rule is a row of docs/rules.md.
type rule struct {
	// row is the text of its first column.
	row     string
	mutants []mutant
	// why says why there are none.
	why string
}

// mutant is a small change that breaks a rule.
type mutant struct {
	// file holds old once, which becomes replacement.
	file             string
	old, replacement string
	// pkg is whose tests must fail: each of tests, which are separated by spaces.
	pkg, tests string
}

func rules() (all []rule) {
	for _, section := range [][]rule{
		handOver, scheduler, writers, idsAndDays, isolation, ordering, around, servers, signedIn,
	} {
		all = append(all, section...)
	}
	return all
}

// try says whether the mutant was "caught", "SURVIVED" or makes "NO BUILD", with what
// its tests wrote. work is a folder of its own.
func (m *mutant) try(work string) (verdict, output string) {
	overlay, err := m.overlay(work)
	if err != nil {
		return "BROKEN", err.Error()
	}
	if output, err := build(work+"/test", m.pkg, overlay); err != nil {
		return "NO BUILD", output
	}
	output = run(work+"/test", m.pkg, overlay, "3m", strings.Fields(m.tests))
	for _, name := range strings.Fields(m.tests) {
		if !failed(output, name) {
			return "SURVIVED", output
		}
	}
	return "caught", output
}

// failed: a process that ended before its time did not let the test pass, either. A
// part may be the first half of a name, as of those of a table.
func failed(output, name string) bool {
	return strings.Contains(output, "--- FAIL: "+name) ||
		strings.Contains(output, "panic: ") && !strings.Contains(output, "--- PASS: "+name)
}

// overlay writes the changed file and what tells Go of it.
func (m *mutant) overlay(work string) (path string, err error) {
	if err := os.MkdirAll(work, 0o700); err != nil {
		return "", err
	}
	whole, err := os.ReadFile(m.file)
	if err != nil {
		return "", err
	}
	changed := filepath.Join(work, "changed"+filepath.Ext(m.file))
	if err := os.WriteFile(changed, []byte(strings.Replace(string(whole), m.old, m.replacement, 1)), 0o600); err != nil {
		return "", err
	}
	original, err := filepath.Abs(m.file)
	if err != nil {
		return "", err
	}
	text, err := json.Marshal(map[string]map[string]string{"Replace": {original: changed}})
	if err != nil {
		return "", err
	}
	path = filepath.Join(work, "overlay.json")
	return path, os.WriteFile(path, text, 0o600)
}

// build compiles the package's tests into the program test; the overlay is optional.
func build(test, pkg, overlay string) (output string, err error) {
	cmd := exec.Command("go", "test", "-c", "-vet=off", "-ldflags=-s -w", "-o", test, "./"+pkg)
	cmd.Env = withOverlay(overlay)
	out, err := cmd.CombinedOutput()
	return string(out), err
}

// withOverlay is the environment in which Go uses it, also where a test builds programs.
func withOverlay(overlay string) []string {
	if overlay == "" {
		return os.Environ()
	}
	return append(os.Environ(), "GOFLAGS="+os.Getenv("GOFLAGS")+" -overlay="+overlay)
}

// run runs the named tests of the compiled program. That they fail is in its output.
func run(test, pkg, overlay, timeout string, tests []string) (output string) {
	patterns := make([]string, len(tests))
	for i, name := range tests {
		patterns[i] = "^" + strings.Replace(name, "/", "$/^", 1)
		if !strings.Contains(name, "/") {
			patterns[i] += "$"
		}
	}
	args := []string{"-test.v", "-test.timeout=" + timeout, "-test.run=" + strings.Join(patterns, "|")}
	if hasProperties(pkg) {
		args = append(args, "-rapid.nofailfile") // what a mutant fails by is nothing to keep
	}
	cmd := exec.Command(test, args...)
	cmd.Dir = pkg
	cmd.Env = withOverlay(overlay)
	out, _ := cmd.CombinedOutput()
	return string(out)
}

// hasProperties reports whether the package's tests know rapid's flags.
func hasProperties(pkg string) bool {
	files, _ := filepath.Glob(filepath.Join(pkg, "*_test.go"))
	for _, file := range files {
		if text, _ := os.ReadFile(file); strings.Contains(string(text), `"pgregory.net/rapid"`) {
			return true
		}
	}
	return false
}
