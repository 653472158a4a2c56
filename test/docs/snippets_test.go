package docs

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestSnippetsAreExamples: the Go that pages show is in examples that the compiler
// reads, line by line.
func TestSnippetsAreExamples(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("../../*/*example*_test.go")
	if err != nil {
		t.Fatal(err)
	}
	var examples strings.Builder
	for _, file := range files {
		examples.WriteString(flat(t, file))
	}
	found := 0
	for name, page := range pages(t) {
		for _, b := range blocks(name, page) {
			if b.language != "go" {
				continue
			}
			found++
			if !strings.Contains(examples.String(), "\n"+unindented(b.text)) {
				t.Errorf("%s: is in no example:\n%s", name, b.text)
			}
		}
	}
	if found < 11 {
		t.Errorf("only %d snippets were found", found)
	}
}

func flat(t *testing.T, file string) string {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return unindented(string(text))
}

// unindented has no white space before lines.
func unindented(text string) string {
	lines := strings.Split(text, "\n")
	for i, line := range lines {
		lines[i] = strings.TrimLeft(line, "\t ")
	}
	return strings.Join(lines, "\n")
}
