package cli

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

var (
	shell = regexp.MustCompile("(?s)```sh\n(.*?)```")
	typed = regexp.MustCompile(`^(?:! )?(?:exec sh -c '(.*)'|(?:exec|exits \d+|eventually \S+) (.*))$`)
)

// TestPageIsRun: each command that docs/cli.md shows is one of the scripts'.
func TestPageIsRun(t *testing.T) {
	t.Parallel()
	scripts, err := filepath.Glob("testdata/*.txtar")
	if err != nil {
		t.Fatal(err)
	}
	ran := map[string]bool{}
	for _, name := range scripts {
		for line := range strings.Lines(read(t, name)) {
			if m := typed.FindStringSubmatch(strings.TrimSpace(line)); m != nil {
				ran[m[1]+m[2]] = true
			}
		}
	}
	shown := 0
	for _, block := range shell.FindAllStringSubmatch(read(t, "../../docs/cli.md"), -1) {
		for line := range strings.Lines(block[1]) {
			shown++
			if line = strings.TrimSpace(line); !ran[line] {
				t.Errorf("no script runs %s", line)
			}
		}
	}
	if shown < 40 {
		t.Errorf("only %d commands were found", shown)
	}
}

func read(t *testing.T, name string) string {
	t.Helper()
	raw, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return string(raw)
}
