package telemetry

import (
	"bytes"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

func TestSeldom(t *testing.T) {
	t.Parallel()
	run := func(name string, test func(t *testing.T, l *slog.Logger, lines func() []string)) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				var out bytes.Buffer
				l := Seldom(slog.New(slog.NewTextHandler(&out, nil)))
				test(t, l, func() []string { return strings.Split(strings.TrimSpace(out.String()), "\n") })
			})
		})
	}

	run("WritesTheFirstOfManyAndThenHowManyThereWere", func(t *testing.T, l *slog.Logger, lines func() []string) {
		for range 100 {
			l.With("a", 1).WithGroup("g").Warn("redis is away")
		}
		if n := len(lines()); n != seldomBurst {
			t.Errorf("%d lines", n)
		}
		<-time.After(seldomWindow)
		l.Warn("redis is away")
		l.Warn("redis is away")
		got := lines()
		if len(got) != seldomBurst+2 || !strings.Contains(got[seldomBurst], "not_written=97") || strings.Contains(got[seldomBurst+1], "not_written") {
			t.Errorf("got %q", got)
		}
	})

	run("KeepsTextsApart", func(t *testing.T, l *slog.Logger, lines func() []string) {
		for range 100 {
			l.Warn("one")
		}
		l.Warn("another")
		if got := lines(); !strings.Contains(got[len(got)-1], "another") {
			t.Errorf("got %q", got)
		}
	})

	run("LetsWhatIsNoWarningThrough", func(t *testing.T, l *slog.Logger, lines func() []string) {
		for range 10 {
			l.Info("attempt")
			l.Error("an attempt failed inside Postrider")
		}
		if n := len(lines()); n != 20 {
			t.Errorf("%d lines", n)
		}
	})
}
