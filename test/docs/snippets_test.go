package docs

import (
	"os"
	"regexp"
	"strings"
	"testing"
)

var goBlock = regexp.MustCompile("(?s)```go\n(.*?)```")

// TestSnippetsAreExamples: what a page shows in Go is in examples that the compiler
// reads, line by line.
func TestSnippetsAreExamples(t *testing.T) {
	t.Parallel()
	for page, from := range map[string]struct {
		files  []string
		blocks int // at least
	}{
		"client": {[]string{"client/example_test.go", "hooktest/fake_example_test.go"}, 10},
		"outbox": {[]string{"outbox/example_test.go"}, 4},
	} {
		var examples strings.Builder
		for _, file := range from.files {
			examples.WriteString(flat(t, "../../"+file))
		}
		text, err := os.ReadFile("../../docs/" + page + ".md")
		if err != nil {
			t.Fatal(err)
		}
		blocks := goBlock.FindAllStringSubmatch(string(text), -1)
		if len(blocks) < from.blocks {
			t.Errorf("only %d snippets were found in docs/%s.md", len(blocks), page)
		}
		for _, block := range blocks {
			if !strings.Contains(examples.String(), "\n"+unindented(block[1])) {
				t.Errorf("docs/%s.md has what is in no example:\n%s", page, block[1])
			}
		}
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
