package receivers

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// blocks are those of docs/receiving.md that a test runs, by the name that a comment
// before them gives.
type blocks map[string]string

var fenced = regexp.MustCompile("(?s)(?:<!-- (?:tested|checked): (\\S+) -->\n)?```([a-z]*)\n(.*?)\n```")

// page reads docs/receiving.md.
func page(t *testing.T) blocks {
	t.Helper()
	raw, err := os.ReadFile("../../docs/receiving.md")
	if err != nil {
		t.Fatal(err)
	}
	named := blocks{}
	for _, m := range fenced.FindAllStringSubmatch(string(raw), -1) {
		switch name, language, code := m[1], m[2], m[3]; {
		case name != "":
			named[name] = code
		case language == "ruby": // the page says that it is not run
		case strings.HasPrefix(code, "export KEY="): // what make run prints
		default:
			t.Errorf("a block of docs/receiving.md is run by no test:\n%s", code)
		}
	}
	return named
}

// get is a block that there has to be.
func (b blocks) get(t *testing.T, name string) string {
	t.Helper()
	code, ok := b[name]
	if !ok {
		t.Fatalf("docs/receiving.md has no block %q", name)
	}
	return code
}

// script writes a program of these parts and returns its path.
func script(t *testing.T, name string, parts ...string) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(file, []byte(strings.Join(parts, "\n")), 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

// example is the absolute path of a file of the examples.
func example(t *testing.T, name string) string {
	t.Helper()
	path, err := filepath.Abs(filepath.Join(examples, name))
	if err != nil {
		t.Fatal(err)
	}
	return path
}

// link is one to a file, without the part of the page.
var link = regexp.MustCompile(`\]\(([^)#:]+)(?:#[^)]*)?\)`)

// TestPageLinks holds that the files exist that the page leads to.
func TestPageLinks(t *testing.T) {
	t.Parallel()
	for _, file := range []string{"../../docs/receiving.md", "../../examples/receivers/README.md"} {
		raw, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range link.FindAllStringSubmatch(string(raw), -1) {
			if _, err := os.Stat(filepath.Join(filepath.Dir(file), m[1])); err != nil {
				t.Errorf("%s: %v", file, err)
			}
		}
	}
}
