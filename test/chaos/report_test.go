package chaos

import (
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/postrider/postrider/test/e2e/stack"
)

// report is the page that docs/reliability.md is.
func report(t *testing.T, l *lab, results []result) string {
	t.Helper()
	var b strings.Builder
	b.WriteString(intro)
	row := func(cells ...any) { fmt.Fprintln(&b, "| "+strings.TrimSuffix(fmt.Sprintln(joined(cells)), "\n")+" |") }
	row("", "")
	row("---", "---")
	row("machine", fmt.Sprintf("%d cores, %s, Linux %s", runtime.NumCPU(), cpuModel(), firstLine("/proc/sys/kernel/osrelease")))
	row("software", fmt.Sprintf("Go %s, Postgres %s, race detector in the programs: %v", strings.TrimPrefix(runtime.Version(), "go"),
		query(t, l, pgx.RowTo[string], "SHOW server_version")[0], stack.Race))
	row("commit", commit(t)+", "+time.Now().UTC().Format(time.DateOnly))
	row("load", fmt.Sprintf("%d events/s at fan-out 2, half of them in batches; seed %d", *rate, *seed))
	b.WriteString("\n")
	row("fault", "times", "accepted", "deliveries", "lost", "duplicated", "in flight", "seconds to recover, median (max)")
	row("---", "---", "---", "---", "---", "---", "---", "---")
	var names []string
	total := result{fault: fault{name: "all"}}
	for _, r := range results {
		if !slices.Contains(names, r.name) {
			names = append(names, r.name)
		}
		total.times, total.accepted, total.deliveries = total.times+r.times, total.accepted+r.accepted, total.deliveries+r.deliveries
		total.lost, total.duplicated = total.lost+r.lost, total.duplicated+r.duplicated
	}
	for _, name := range names {
		row(summary(slices.DeleteFunc(slices.Clone(results), func(r result) bool { return r.name != name }))...)
	}
	row(total.name, total.times, total.accepted, total.deliveries, total.lost, total.duplicated, "", "")
	b.WriteString("\n")
	for _, note := range append(l.notes, resentNotes(results)...) {
		fmt.Fprintln(&b, "- "+note)
	}
	return b.String()
}

func joined(cells []any) string {
	words := make([]string, len(cells))
	for i, c := range cells {
		words[i] = fmt.Sprint(c)
	}
	return strings.Join(words, " | ")
}

// summary is one fault's row.
func summary(of []result) []any {
	var s result
	var recovered []time.Duration
	for _, r := range of {
		s.times, s.accepted, s.deliveries = s.times+r.times, s.accepted+r.accepted, s.deliveries+r.deliveries
		s.lost, s.duplicated, s.inFlight = s.lost+r.lost, s.duplicated+r.duplicated, max(s.inFlight, r.inFlight)
		recovered = append(recovered, r.recovered)
	}
	return []any{of[0].name, s.times, s.accepted, s.deliveries, s.lost, s.duplicated, s.inFlight, spread(recovered)}
}

// spread is the median and the greatest, in seconds.
func spread(all []time.Duration) string {
	slices.Sort(all)
	return fmt.Sprintf("%.1f (%.1f)", all[len(all)/2].Seconds(), all[len(all)-1].Seconds())
}

// resentNotes say how soon requests came again that were cut off.
func resentNotes(results []result) (notes []string) {
	for _, r := range results {
		if len(r.resent) > 0 {
			notes = append(notes, fmt.Sprintf("%s: %d requests were cut off at the receiver; they came again after %s s, median (max)",
				r.name, len(r.resent), spread(slices.Clone(r.resent))))
		}
	}
	return notes
}

func cpuModel() string {
	raw, _ := os.ReadFile("/proc/cpuinfo") // not there elsewhere
	for line := range strings.SplitSeq(string(raw), "\n") {
		if name, value, ok := strings.Cut(line, ":"); ok && strings.TrimSpace(name) == "model name" {
			return strings.TrimSpace(value)
		}
	}
	return runtime.GOARCH
}

func firstLine(file string) string {
	raw, _ := os.ReadFile(file)
	line, _, _ := strings.Cut(string(raw), "\n")
	return line
}

// commit is the short hash of the sources, with a word when they were changed.
func commit(t *testing.T) string {
	hash, err := exec.CommandContext(t.Context(), "git", "rev-parse", "--short", "HEAD").Output()
	if err != nil {
		return "unknown"
	}
	changed, err := exec.CommandContext(t.Context(), "git", "status", "--porcelain", "--", ":/", ":!/docs/reliability.md").Output()
	if err != nil || len(changed) > 0 {
		return strings.TrimSpace(string(hash)) + " dirty"
	}
	return strings.TrimSpace(string(hash))
}

const intro = "# Reliability\n\n" +
	"`make chaos`, and with more kills `make soak`, write this page. They run two APIs, two workers and two schedulers as processes of their own on a real Postgres\n" +
	"(restarted and killed, but not the machine under it: it does not sync) and a real Redis, publish all the time, and let one\n" +
	"fault after the other happen. An event counts as accepted when it was answered with 202; a request whose answer was lost is made\n" +
	"again with the same id. After each fault they wait until nothing is pending any more, and check in Postgres, through the API and at\n" +
	"the receiver that every accepted event has both its deliveries, that both arrived, and that attempts are numbered from 1 on.\n\n" +
	"*Lost* is what was accepted and never arrived. *Duplicated* is arrivals beyond those that were needed: one, or two where the receiver\n" +
	"answered the first attempt with 500, as it does for one delivery in twenty. *In flight* is how many requests the workers said at most\n" +
	"that they made, in the second before the fault. *Seconds to recover* go from the end of the fault to the last delivery, the first or a\n" +
	"repeated one, of what was accepted until then (without those that were answered 500, which wait for their retry); the kills of one round\n" +
	"are one fault, and its end is that of the last.\n\n"
