// Package docs holds the documentation to the code.
package docs

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

var (
	nameOf    = regexp.MustCompile("`([a-z0-9/]+)`|(Test[A-Za-z0-9]+)(?:/([A-Za-z0-9]+))?")
	rowOfRule = regexp.MustCompile(`(?m)^\| [^|]+ \| (.+) \|$`)
)

// TestRulesNameTestsThatExist keeps docs/rules.md from promising what nobody
// checks any more.
func TestRulesNameTestsThatExist(t *testing.T) {
	t.Parallel()
	page, err := os.ReadFile("../../docs/rules.md")
	if err != nil {
		t.Fatal(err)
	}
	sources := map[string]string{}
	named := 0
	for _, row := range rowOfRule.FindAllStringSubmatch(string(page), -1) {
		pkg := ""
		for _, n := range nameOf.FindAllStringSubmatch(row[1], -1) {
			if n[1] != "" {
				pkg = n[1]
				continue
			}
			named++
			if sources[pkg] == "" {
				sources[pkg] = testsOf(t, pkg)
			}
			if !strings.Contains(sources[pkg], "func "+n[2]+"(") {
				t.Errorf("%s has no %s", pkg, n[2])
			}
			if n[3] != "" && !strings.Contains(sources[pkg], `"`+n[3]+`"`) {
				t.Errorf("%s: %s has no part %s", pkg, n[2], n[3])
			}
		}
	}
	if named < 80 {
		t.Errorf("only %d tests were found on the page: is it still read as it is written?", named)
	}
}

// testsOf is the text of a package's tests.
func testsOf(t *testing.T, pkg string) string {
	t.Helper()
	files, err := filepath.Glob(filepath.Join("../..", pkg, "*_test.go"))
	if err != nil || len(files) == 0 {
		t.Fatalf("no tests in %q: %v", pkg, err)
	}
	var all strings.Builder
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		all.Write(text)
	}
	return all.String()
}
