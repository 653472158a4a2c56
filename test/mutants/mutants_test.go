package main

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

var rowOfRule = regexp.MustCompile(`(?m)^\| ([^|]+) \| ([^|]*Test[^|]+) \|$`)

// TestEachRuleHasAMutant also holds the table to the page's words: a rule that reads
// otherwise is another rule.
func TestEachRuleHasAMutant(t *testing.T) {
	t.Parallel()
	page, err := os.ReadFile("../../docs/rules.md")
	if err != nil {
		t.Fatal(err)
	}
	tests := map[string]string{}
	for _, row := range rowOfRule.FindAllStringSubmatch(string(page), -1) {
		tests[row[1]] = row[2]
	}
	if len(tests) < 60 {
		t.Errorf("only %d rules were found on the page: is it still read as it is written?", len(tests))
	}
	for _, r := range rules() {
		held, ok := tests[r.row]
		delete(tests, r.row)
		if !ok {
			t.Errorf("the page has no rule %q, or it is in the table twice", r.row)
		}
		if len(r.mutants) == 0 == (r.why == "") {
			t.Errorf("%q has neither mutants nor a reason why it has none, or both", r.row)
		}
		for _, m := range r.mutants {
			for _, name := range strings.Fields(m.tests) {
				if !strings.Contains(held, name) || !strings.Contains(held, "`"+m.pkg+"`") {
					t.Errorf("%q is not held by %s %s", r.row, m.pkg, name)
				}
			}
		}
	}
	for row := range tests {
		t.Errorf("%q has no mutant", row)
	}
}

// TestMutantsFitTheCode finds a mutant whose code has changed without running it.
func TestMutantsFitTheCode(t *testing.T) {
	t.Parallel()
	for _, r := range rules() {
		for _, m := range r.mutants {
			code, err := os.ReadFile(filepath.Join("../..", m.file))
			if err != nil {
				t.Error(err)
			}
			if n := strings.Count(string(code), m.old); n != 1 {
				t.Errorf("%s has this %d times, not once:\n%s", m.file, n, m.old)
			}
			for _, name := range strings.Fields(m.tests) {
				if !isTest(t, m.pkg, name) {
					t.Errorf("%s has no %s", m.pkg, name)
				}
			}
		}
	}
}

func isTest(t *testing.T, pkg, name string) bool {
	t.Helper()
	test, part, _ := strings.Cut(name, "/")
	files, err := filepath.Glob(filepath.Join("../..", pkg, "*_test.go"))
	if err != nil {
		t.Fatal(err)
	}
	var whole strings.Builder
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		whole.Write(text)
	}
	return strings.Contains(whole.String(), "func "+test+"(") && (part == "" || strings.Contains(whole.String(), `"`+part+`"`))
}
