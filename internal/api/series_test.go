package api

import (
	"testing"

	"github.com/prometheus/client_golang/prometheus"
)

// keepsItsSeries fails a test in which the API answered what no series was there for:
// of a counter that begins with its first count, no rate sees that one.
func keepsItsSeries(t testing.TB, reg *prometheus.Registry) {
	t.Helper()
	before := requestSeries(t, reg)
	t.Cleanup(func() {
		for series := range requestSeries(t, reg) {
			if !before[series] {
				t.Errorf("there was no series of %q before it was counted", series)
			}
		}
	})
}

func requestSeries(t testing.TB, reg *prometheus.Registry) map[string]bool {
	t.Helper()
	families, err := reg.Gather()
	if err != nil {
		t.Fatal(err)
	}
	found := map[string]bool{}
	for _, f := range families {
		for _, m := range f.GetMetric() {
			name := f.GetName()
			for _, l := range m.GetLabel() {
				name += " " + l.GetValue()
			}
			found[name] = true
		}
	}
	return found
}
