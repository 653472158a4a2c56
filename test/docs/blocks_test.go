package docs

import (
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// block is a fenced part of a page. A comment before it may say what it is:
// <!-- schema: PublishInput -->.
type block struct {
	page, language, schema, text string
}

var fencedBlock = regexp.MustCompile("(?ms)(?:^<!-- schema: (\\S+) -->\n)?^```([a-z]*)\n(.*?)^```$")

// pages are README.md and those of docs, by their names from the root.
func pages(t *testing.T) map[string]string {
	t.Helper()
	names, err := filepath.Glob("../../docs/*.md")
	if err != nil {
		t.Fatal(err)
	}
	all := map[string]string{}
	for _, name := range append(names, "../../README.md") {
		raw, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		all[strings.TrimPrefix(name, "../../")] = string(raw)
	}
	return all
}

// blocks are a page's, without those that are not run.
func blocks(name, page string) (run []block) {
	if _, elsewhere := runElsewhere[name]; elsewhere {
		return nil
	}
	for _, m := range fencedBlock.FindAllStringSubmatch(page, -1) {
		b := block{name, m[2], m[1], m[3]}
		if _, not := notRun[b.key()]; !not {
			run = append(run, b)
		}
	}
	return run
}

// key is how the list of what is not run names a block.
func (b block) key() string {
	first, _, _ := strings.Cut(b.text, "\n")
	return b.page + ": " + first
}

// TestEveryBlockIsRun: what a page shows is run, compiled or checked, or is in a list
// that says why not.
func TestEveryBlockIsRun(t *testing.T) {
	t.Parallel()
	seen := map[string]bool{}
	for name, page := range pages(t) {
		if strings.Count("\n"+page, "\n```") != 2*len(fencedBlock.FindAllString(page, -1)) {
			t.Errorf("%s has a fence that is not read as one", name)
		}
		for _, m := range fencedBlock.FindAllStringSubmatch(page, -1) {
			seen[block{name, m[2], m[1], m[3]}.key()] = true
		}
		for _, b := range blocks(name, page) {
			switch {
			case b.language == "sh", b.language == "go", b.language == "yaml", b.language == "text":
			case b.language == "json" && b.schema != "":
			default:
				t.Errorf("%s is run by nothing: have it run, or say in exceptions_test.go why not", b.key())
			}
		}
	}
	for key := range notRun {
		if !seen[key] {
			t.Errorf("%q is not run, but there is no such block any more", key)
		}
	}
}

// TestLinks holds that the files exist that pages lead to.
func TestLinks(t *testing.T) {
	t.Parallel()
	link := regexp.MustCompile(`\]\(([^)#:]+)(?:#[^)]*)?\)`)
	all := pages(t)
	for _, name := range slices.Sorted(maps.Keys(all)) {
		for _, m := range link.FindAllStringSubmatch(fencedBlock.ReplaceAllString(all[name], ""), -1) {
			if _, err := os.Stat(filepath.Join("../..", filepath.Dir(name), m[1])); err != nil {
				t.Errorf("%s: %v", name, err)
			}
		}
	}
}
