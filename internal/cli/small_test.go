package cli

import (
	"strings"
	"testing"
	"time"

	"github.com/postrider/postrider/client"
)

func TestNearest(t *testing.T) {
	t.Parallel()
	names := []string{"post.created", "post.deleted", "invoice.paid"}
	for typed, want := range map[string]string{
		"post.craeted": "post.created", "post.create": "post.created", "POST.DELETED": "post.deleted", "invoices.paid": "invoice.paid",
		"customer.merged": "", "x": "",
	} {
		if got := nearest(typed, names); got != want {
			t.Errorf("nearest(%q) = %q, want %q", typed, got, want)
		}
	}
}

func TestParseTime(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	for text, want := range map[string]time.Time{
		"30m": now.Add(-30 * time.Minute), "7d": now.Add(-7 * 24 * time.Hour), "0s": now,
		"2026-01-31": time.Date(2026, 1, 31, 0, 0, 0, 0, time.UTC), "2026-01-31T10:00:00+01:00": time.Date(2026, 1, 31, 9, 0, 0, 0, time.UTC),
	} {
		if got, err := parseTime("--since", text, now, -1); err != nil || !got.Equal(want) {
			t.Errorf("%s: got %s, %v; want %s", text, got, err, want)
		}
	}
	if got, err := parseTime("--deliver-at", "1h", now, 1); err != nil || !got.Equal(now.Add(time.Hour)) {
		t.Errorf("got %s, %v", got, err)
	}
	for _, wrong := range []string{"", "soon", "-1d", "99999999d", "2026-13-01"} {
		if got, err := parseTime("--since", wrong, now, -1); err == nil {
			t.Errorf("%q is %s", wrong, got)
		}
	}
}

func TestParseSchedule(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{"1m,5m,30m": "after 1m, 5m, 30m", "60,90s": "after 1m, 1m30s", "1d": "after 24h", "none": "no retry"} {
		if got, err := parseSchedule(text); err != nil || schedule(got) != want {
			t.Errorf("%s: got %s, %v; want %s", text, schedule(got), err, want)
		}
	}
	for _, wrong := range []string{"", "1m,", "1500ms", "soon"} {
		if got, err := parseSchedule(wrong); err == nil {
			t.Errorf("%q is %v", wrong, got)
		}
	}
}

func TestBar(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		replay client.Replay
		want   string
	}{
		{client.Replay{Status: client.ReplayRunning}, "[" + strings.Repeat("=", 30) + "] 100%  0/0"},
		{client.Replay{Status: client.ReplayRunning, Total: 200, Done: 50, RatePerSecond: new(25.0), RemainingSeconds: new(int64(6))},
			"[" + strings.Repeat("=", 7) + strings.Repeat(" ", 23) + "]  25%  50/200  25/s  6s left"},
		{client.Replay{Status: client.ReplayDone, Total: 3, Done: 3}, "[" + strings.Repeat("=", 30) + "] 100%  3/3  done"},
		{client.Replay{Status: client.ReplayCanceled, Total: 2, Done: 3}, "[" + strings.Repeat("=", 30) + "] 100%  3/2  canceled"},
	} {
		if got := bar(c.replay); got != c.want {
			t.Errorf("got  %q\nwant %q", got, c.want)
		}
	}
}

// TestProgressSaysLittle where lines can't be written over.
func TestProgressSaysLittle(t *testing.T) {
	t.Parallel()
	var out strings.Builder
	p := progress{w: &out}
	now := time.Unix(1_000_000, 0)
	for i := range 100 {
		p.show(client.Replay{Status: client.ReplayRunning, Total: 100, Done: int64(i)}, now.Add(time.Duration(i)*100*time.Millisecond))
	}
	if n := strings.Count(out.String(), "\n"); n != 2 {
		t.Errorf("%d lines in 10 s:\n%s", n, &out)
	}
}

func TestPercentiles(t *testing.T) {
	t.Parallel()
	var took []time.Duration
	for i := range 100 {
		took = append(took, time.Duration(100-i)*time.Millisecond)
	}
	if got, want := percentilesOf(took), (percentiles{50, 95, 99, 100}); got != want {
		t.Errorf("got %v, want %v", got, want)
	}
	if got, want := percentilesOf(took[:1]), (percentiles{1, 1, 1, 1}); got != want {
		t.Errorf("of one: %v", got)
	}
	if got := percentilesOf(nil); got != (percentiles{}) {
		t.Errorf("of none: %v", got)
	}
}
