package operate

import (
	"maps"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// names looks for metrics and labels that there are not. Whatever is not a word of
// PromQL's has to be one.
type names struct {
	prometheus *prometheus
	labels     map[string]bool
	known      map[string]bool // selectors, asked about
}

func newNames(t *testing.T, p *prometheus) *names {
	t.Helper()
	var labels []string
	p.must(t, "/api/v1/labels", url.Values{"match[]": {`{job=~"postrider-.+"}`, `{__name__=~"postrider:.+"}`}}, &labels)
	n := &names{prometheus: p, labels: map[string]bool{}, known: map[string]bool{}}
	for _, l := range labels {
		n.labels[l] = true
	}
	return n
}

var (
	selector = regexp.MustCompile(`([a-zA-Z_:][a-zA-Z0-9_:]*)(\{[^}]*\})?`)
	grouping = regexp.MustCompile(`\b(by|without|on|ignoring)\s*\(([^)]*)\)`)
	ranges   = regexp.MustCompile(`\[[^\]]*\]`)
	legends  = regexp.MustCompile(`\{\{\s*(?:\$labels\.)?([a-z_]+)\s*\}\}`)
	matcher  = regexp.MustCompile(`([a-z_]+)\s*(?:=~|!~|!=|=)\s*"`)
	words    = map[string]bool{
		"sum": true, "max": true, "min": true, "count": true, "topk": true, "rate": true, "increase": true, "abs": true, "changes": true,
		"histogram_quantile": true, "vector": true, "and": true, "or": true,
	}
)

// check returns what an expression and the texts beside it name that there is not.
func (n *names) check(t *testing.T, expr string, texts ...string) (unknown []string) {
	t.Helper()
	for _, g := range grouping.FindAllStringSubmatch(expr, -1) {
		for label := range strings.SplitSeq(g[2], ",") {
			unknown = append(unknown, n.label(strings.TrimSpace(label))...)
		}
	}
	for _, m := range legends.FindAllStringSubmatch(strings.Join(texts, " "), -1) {
		unknown = append(unknown, n.label(m[1])...)
	}
	bare := ranges.ReplaceAllString(grouping.ReplaceAllString(expr, " "), "")
	for _, s := range selector.FindAllStringSubmatch(bare, -1) {
		if words[s[1]] || s[1] == "ALERTS" {
			continue
		}
		for _, m := range matcher.FindAllStringSubmatch(s[2], -1) {
			unknown = append(unknown, n.label(m[1])...)
		}
		if !n.exists(t, s[0]) {
			unknown = append(unknown, s[0])
		}
	}
	return unknown
}

func (n *names) label(name string) []string {
	if n.labels[name] {
		return nil
	}
	return []string{"label " + name}
}

// exists: there is a series, with values that the matchers allow.
func (n *names) exists(t *testing.T, sel string) bool {
	t.Helper()
	if _, asked := n.known[sel]; !asked {
		n.known[sel] = len(n.prometheus.query(t, "count("+sel+")")) > 0
	}
	return n.known[sel]
}

// TestNamesCheckKnowsAMisspelling: else it could not fail.
func TestNamesCheckKnowsAMisspelling(t *testing.T) {
	t.Parallel()
	n := &names{labels: map[string]bool{"le": true, "state": true}, known: map[string]bool{
		`good_total{state="x"}`: true, "good_total": true, "bad_total": false, `good_total{stat="x"}`: false,
	}}
	for expr, want := range map[string]string{
		`sum by (le) (rate(good_total{state="x"}[5m])) > 1`: "",
		`sum by (l) (rate(good_total{state="x"}[5m]))`:      "label l",
		`rate(bad_total[$window]) or vector(0)`:             "bad_total",
		`good_total{stat="x"}`:                              `label stat good_total{stat="x"}`,
	} {
		if got := strings.Join(n.check(t, expr), " "); got != want {
			t.Errorf("%s: unknown are %q, want %q", expr, got, want)
		}
	}
}

// documented are the metrics of docs/metrics.md, which internal/app holds to the code,
// with the roles that have them.
func documented(t *testing.T) map[string][]string {
	t.Helper()
	rows := regexp.MustCompile("(?m)^\\| `(postrider_[a-z_]+)` \\| (\\w+) \\|[^|]*\\| ([^|]+) \\|").FindAllStringSubmatch(string(read(t, root+"docs/metrics.md")), -1)
	all := map[string][]string{}
	for _, r := range rows {
		switch by := r[3]; by {
		case "all":
			all[r[1]] = []string{"api", "worker", "scheduler"}
		case "the leading scheduler":
			all[r[1]] = []string{"scheduler"}
		default:
			all[r[1]] = strings.Split(by, ", ")
		}
	}
	if len(all) < 50 {
		t.Fatalf("docs/metrics.md has %d metrics", len(all))
	}
	return all
}

var (
	metricName = regexp.MustCompile(`\bpostrider_[a-z]+_[a-z_]*[a-z]`)
	suffixes   = regexp.MustCompile(`_(bucket|sum|count)$`)
)

// TestDocsNameMetricsThatExist holds every page, and what is deployed, to docs/metrics.md;
// but not the changelog, which names what there was.
func TestDocsNameMetricsThatExist(t *testing.T) {
	t.Parallel()
	metrics := documented(t)
	packages := map[string]bool{}
	for name := range metrics {
		packages[strings.Split(name, "_")[1]] = true
	}
	files := slices.Concat([]string{root + "README.md"}, glob(t, root+"docs/*.md"), glob(t, runbookDir+"/*.md"), glob(t, rulesDir+"/*.yml"),
		glob(t, testsDir+"/*.yml"), glob(t, boardsDir+"/*.json"))
	for _, file := range files {
		named := map[string]bool{}
		for _, name := range metricName.FindAllString(string(read(t, file)), -1) {
			named[name] = packages[strings.Split(name, "_")[1]] // else it is no metric: a database, a role
		}
		for _, name := range slices.Sorted(maps.Keys(named)) {
			if _, ok := metrics[suffixes.ReplaceAllString(name, "")]; named[name] && !ok && metrics[name] == nil && !isPrefix(metrics, name) {
				t.Errorf("%s names %s, which there is not", file, name)
			}
		}
	}
}

// isPrefix is for several at once, as in postrider_deliver_endpoint_….
func isPrefix(metrics map[string][]string, name string) bool {
	for m := range metrics {
		if strings.HasPrefix(m, name+"_") {
			return true
		}
	}
	return false
}
