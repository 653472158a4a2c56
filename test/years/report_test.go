package years

import (
	"context"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/postrider/postrider/test/e2e/stack"
)

// report is the page that docs/years.md is.
type report struct {
	both
	machine, sizes, smallSizes, counts, smallCounts string

	reads, scheduler, publish []line
	console                   []consolePage
	drops                     []drop
}

func words(format string, args ...any) string { return fmt.Sprintf(format, args...) }

func (r *report) markdown() string {
	var b strings.Builder
	fmt.Fprintf(&b, intro, smaller, days-1, *rounds, readings)
	b.WriteString("| | |\n| --- | --- |\n" + r.machine)
	fmt.Fprintf(&b, "| loaded | %s |\n| size | %s |\n| the small one | %s; %s |\n\n", r.counts, r.sizes, r.smallCounts, r.smallSizes)
	table(&b, "Reading", "The API's answers, in ms: medians, and the worst of the full one. The factor is that of the first quartiles, which other work on the machine disturbs least.", r.reads)
	table(&b, "Publishing", words("%d publishers in a closed loop, %d events a round at fan-out 1 and %d at fan-out 10, the worker delivering meanwhile; medians of the rounds, the factor is the median of each round's.",
		posters, eventsARound, eventsARound/fanout), r.publish)
	table(&b, "The scheduler", "", r.scheduler)
	r.writeDrops(&b)
	r.writeConsole(&b)
	return b.String()
}

func table(b *strings.Builder, title, about string, lines []line) {
	if len(lines) == 0 {
		return
	}
	fmt.Fprintf(b, "## %s\n\n", title)
	if about != "" {
		b.WriteString(about + "\n\n")
	}
	b.WriteString("| | | full | worst | small | times as slow | ≤ 1.3 |\n| --- | --- | --- | --- | --- | --- | --- |\n")
	for _, l := range lines {
		verdict := l.verdict()
		if l.remark != "" {
			verdict += ", " + l.remark
		}
		fmt.Fprintf(b, "| %s | %s | %s | %s | %s | %.2f | %s |\n", l.what, l.unit, figure(median(l.full)), figure(l.worst), figure(median(l.small)), l.slower, verdict)
	}
	b.WriteString("\n")
}

// figure has as many digits as mean something.
func figure(f float64) string {
	if f >= 100 {
		return fmt.Sprintf("%.0f", f)
	}
	return fmt.Sprintf("%.2f", f)
}

func (r *report) writeDrops(b *strings.Builder) {
	if len(r.drops) == 0 {
		return
	}
	fmt.Fprintf(b, "## Dropping a day\n\nWhile %d events a second are published. Seconds are from the scheduler's start, which leads first, until the day's tables are gone; publishers' answers in ms.\n\n", time.Second/steadyEvery)
	b.WriteString("| | deliveries of the day | gone after, s | expired first | p99 (worst) before | p99 (worst) meanwhile |\n| --- | --- | --- | --- | --- | --- |\n")
	for _, d := range r.drops {
		fmt.Fprintf(b, "| %s | %d | %.1f | %d | %.1f (%.1f) | %.1f (%.1f) |\n", d.side, d.deliveries, d.took.Seconds(), d.expired, d.before, d.worstBefore, d.during, d.worst)
	}
	b.WriteString("\n")
}

func (r *report) writeConsole(b *strings.Builder) {
	if len(r.console) == 0 {
		return
	}
	fmt.Fprintf(b, "## The console\n\nEach page %d times on the full database, after %d that are not counted; ms until its last byte. The goal is %d.\n\n", visits, warmUps, consoleGoal)
	b.WriteString("| page | median | worst | < 100 |\n| --- | --- | --- | --- |\n")
	var missing []string
	for _, p := range r.console {
		path := strings.NewReplacer("/console/w/"+big, "", r.full.ids.busy, "{id}", r.full.ids.newest, "{newest}", r.full.ids.oldest, "{oldest}",
			r.full.ids.failed, "{failed}", r.full.ids.oldEvent, "{oldest}").Replace(p.path)
		if i := strings.Index(path, "until="); i >= 0 {
			path = path[:i] + "until=…"
		}
		if p.status != http.StatusOK {
			missing = append(missing, words("`%s` (%d)", path, p.status))
			continue
		}
		verdict := "yes"
		if median(p.took) >= consoleGoal {
			verdict = "**no**"
		}
		fmt.Fprintf(b, "| `%s` | %s | %s | %s |\n", path, figure(median(p.took)), figure(slices.Max(p.took)), verdict)
	}
	if len(missing) > 0 {
		fmt.Fprintf(b, "\nNot there at this commit: %s.\n", strings.Join(missing, ", "))
	}
	b.WriteString("\n")
}

// describe is the table's beginning: what it was measured on, and of.
func describe(t *testing.T, s *side) string {
	t.Helper()
	load, _ := os.ReadFile("/proc/loadavg") // not there elsewhere
	var b strings.Builder
	fmt.Fprintf(&b, "| machine | %d cores, %s, %s; load %s at the start: other work ran beside it |\n", runtime.NumCPU(), cpuModel(), memory(), strings.Join(strings.Fields(string(load))[:min(1, len(load))], ""))
	fmt.Fprintf(&b, "| software | Go %s, Postgres %s (initdb's settings and shared_buffers 1GB, max_wal_size 8GB, jit off; every commit synced), race detector in the programs: %v |\n",
		strings.TrimPrefix(runtime.Version(), "go"), strings.Fields(ask[string](t, s, "SHOW server_version"))[0], stack.Race)
	fmt.Fprintf(&b, "| commit | %s, %s |\n", commit(t.Context()), time.Now().UTC().Format(time.DateOnly))
	return b.String()
}

func cpuModel() string {
	return field("/proc/cpuinfo", "model name", runtime.GOARCH)
}

func memory() string {
	return "memory " + field("/proc/meminfo", "MemTotal", "unknown")
}

// field is the value of the first line of a file that begins with name.
func field(file, name, otherwise string) string {
	raw, _ := os.ReadFile(file) // not there elsewhere
	for line := range strings.SplitSeq(string(raw), "\n") {
		if key, value, ok := strings.Cut(line, ":"); ok && strings.TrimSpace(key) == name {
			return strings.TrimSpace(value)
		}
	}
	return otherwise
}

// commit is the short hash of the sources, with a word when they were changed.
func commit(ctx context.Context) string {
	hash, err := exec.CommandContext(ctx, "git", "rev-parse", "--short", "HEAD").Output()
	if err != nil {
		return "unknown"
	}
	changed, err := exec.CommandContext(ctx, "git", "status", "--porcelain", "--", ":/", ":!/docs").Output()
	if err != nil || len(changed) > 0 {
		return strings.TrimSpace(string(hash)) + " dirty"
	}
	return strings.TrimSpace(string(hash))
}

const intro = "# Years of data\n\n" +
	"`make years` writes this page. It loads a Postgres of its own as if Postrider had been at work for a month, and a second one with\n" +
	"%d times fewer rows or even less in as many days, and starts an API, a worker and a scheduler as processes of their own on each. What is measured is done on both in\n" +
	"turn, the second being what *empty* is here: enough to fill a page of every list, since a page of nothing says nothing. *Times as slow*\n" +
	"is the full one against the small one; the goal is 1.3 at the most. %d days and today, loads in %d rounds, every request %d times.\n\n"
