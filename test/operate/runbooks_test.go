package operate

import (
	"regexp"
	"strings"
	"testing"

	"github.com/postrider/postrider/test/e2e/stack"
)

var fence = regexp.MustCompile("(?ms)^```([a-z]+)\n(.*?)^```$")

// runbookBlocks are what runbooks say to type, by language.
func runbookBlocks(t *testing.T, language string) (all []block) {
	t.Helper()
	for _, file := range glob(t, runbookDir+"/*.md") {
		for _, m := range fence.FindAllStringSubmatch(string(read(t, file)), -1) {
			if m[1] == language {
				all = append(all, block{file, m[2]})
			}
		}
	}
	if len(all) == 0 {
		t.Fatalf("runbooks have no %s", language)
	}
	return all
}

type block struct{ file, text string }

func (b block) lines() []string { return strings.Split(strings.TrimSpace(b.text), "\n") }

// wantRunbooksToWork evaluates the runbooks' queries and runs their statements.
func wantRunbooksToWork(t *testing.T, p *prometheus, postgresURL string) {
	t.Helper()
	n := newNames(t, p)
	for _, b := range runbookBlocks(t, "promql") {
		for _, expr := range b.lines() {
			p.query(t, expr)
			if unknown := n.check(t, expr); len(unknown) > 0 {
				t.Errorf("%s: there is no %s", b.file, strings.Join(unknown, ", nor "))
			}
		}
	}
	for _, b := range runbookBlocks(t, "sql") {
		stack.SQL(t, postgresURL, b.text)
	}
}

// TestRunbooksNameCommandsThatExist holds what they say to type in a shell to the
// command line's reference, and addresses to what processes serve.
func TestRunbooksNameCommandsThatExist(t *testing.T) {
	t.Parallel()
	reference := string(read(t, root+"docs/cli-reference.md"))
	for _, file := range glob(t, runbookDir+"/*.md") {
		for _, m := range regexp.MustCompile("(?:^|`)postrider( [a-z-]+)( [a-z-]+)?").FindAllStringSubmatch(string(read(t, file)), -1) {
			if !strings.Contains(reference, "\n## postrider"+m[1]+m[2]+"\n") && !strings.Contains(reference, "\n## postrider"+m[1]+"\n") {
				t.Errorf("%s: there is no command postrider%s%s", file, m[1], m[2])
			}
		}
	}
	for _, b := range runbookBlocks(t, "sh") {
		for _, line := range b.lines() {
			known := strings.HasPrefix(line, "postrider ") || strings.HasPrefix(line, `redis-cli -u "$POSTRIDER_REDIS_URL" `) ||
				strings.HasPrefix(line, "curl ") && strings.HasSuffix(line, "/readyz")
			if !known {
				t.Errorf("%s: nothing checks %q", b.file, line)
			}
		}
	}
}
