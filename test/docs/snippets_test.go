package docs

import (
	"os"
	"regexp"
	"strings"
	"testing"
)

var goBlock = regexp.MustCompile("(?s)```go\n(.*?)```")

// TestSnippetsAreExamples: what docs/client.md shows is in examples that the compiler
// reads, line by line.
func TestSnippetsAreExamples(t *testing.T) {
	t.Parallel()
	var examples strings.Builder
	for _, file := range []string{"../../client/example_test.go", "../../hooktest/fake_example_test.go"} {
		examples.WriteString(flat(t, file))
	}
	page, err := os.ReadFile("../../docs/client.md")
	if err != nil {
		t.Fatal(err)
	}
	blocks := goBlock.FindAllStringSubmatch(string(page), -1)
	if len(blocks) < 10 {
		t.Errorf("only %d snippets were found", len(blocks))
	}
	for _, block := range blocks {
		if !strings.Contains(examples.String(), "\n"+unindented(block[1])) {
			t.Errorf("is in no example:\n%s", block[1])
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
