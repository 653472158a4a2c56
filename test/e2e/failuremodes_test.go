package e2e

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// sources are the module's Go files, tests and others.
func sources(t *testing.T) (tests, others string) {
	t.Helper()
	var both [2]strings.Builder
	err := filepath.WalkDir("../..", func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "failuremodes_test.go") {
			return err
		}
		raw, err := os.ReadFile(path)
		which := 1
		if strings.HasSuffix(path, "_test.go") {
			which = 0
		}
		both[which].Write(raw)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return both[0].String(), both[1].String()
}

// docs/failure-modes.md is what operators look into when something is wrong: what
// it tells them to look for must be there.
func TestFailureModesNamesWhatThereIs(t *testing.T) {
	t.Parallel()
	raw, err := os.ReadFile("../../docs/failure-modes.md")
	if err != nil {
		t.Fatal(err)
	}
	page := strings.Join(strings.Fields(string(raw)), " ")
	tests, others := sources(t)
	// Of a constant that is written in pieces the pieces are joined.
	others = regexp.MustCompile(`" \+\s+"`).ReplaceAllString(others, "")

	said := regexp.MustCompile(`“([^”]+)”`).FindAllStringSubmatch(page, -1)
	metrics := regexp.MustCompile("`(postrider_[a-z_]+)`").FindAllStringSubmatch(page, -1)
	named := regexp.MustCompile("`(Test[A-Za-z/]+)`").FindAllStringSubmatch(page, -1)
	if len(said) < 10 || len(metrics) < 4 || len(named) < 20 {
		t.Fatalf("%d messages, %d metrics and %d tests are named", len(said), len(metrics), len(named))
	}
	for _, m := range said {
		if m[1] != "quotes" && m[1] != "No space left on device" && !strings.Contains(others, m[1]) {
			t.Errorf("nothing says %q", m[1])
		}
	}
	for _, m := range metrics {
		if !strings.Contains(others, `"`+m[1]+`"`) {
			t.Errorf("there is no metric %s", m[1])
		}
	}
	for _, m := range named {
		parts := strings.Split(m[1], "/")
		if !strings.Contains(tests, "func "+parts[0]+"(") {
			t.Errorf("there is no test %s", parts[0])
		}
		for _, part := range parts[1:] {
			if !strings.Contains(tests, `"`+part) {
				t.Errorf("there is no test %s", m[1])
			}
		}
	}
}
