package fleet

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/postrider/postrider/internal/webhook"
)

// deployment is a fake of both stores.
type deployment struct {
	held          map[string]int
	open, failing int
	// pages are how many active and disabled endpoints each page has.
	pages   [][2]int
	workers int
	tasks   map[string]map[string]int
	latency map[string]time.Duration
	err     error
	asked   []webhook.ID
}

func (d *deployment) Held(context.Context, int) (map[string]int, error) { return d.held, d.err }
func (d *deployment) Breakers(context.Context) (open, failing int, _ error) {
	return d.open, d.failing, d.err
}
func (d *deployment) Workers(context.Context) (int, error) { return d.workers, d.err }

func (d *deployment) Sizes(context.Context) (map[string]map[string]int, map[string]time.Duration, error) {
	return d.tasks, d.latency, d.err
}

func (d *deployment) Endpoints(_ context.Context, after webhook.ID, _ int) (active, disabled int, last webhook.ID, err error) {
	d.asked = append(d.asked, after)
	n := int(after[15])
	if n+1 < len(d.pages) {
		last[15] = byte(n + 1)
	}
	return d.pages[n][0], d.pages[n][1], last, nil
}

func setup() (*deployment, *Meter, *prometheus.Registry) {
	d := &deployment{
		held: map[string]int{webhook.HeldBreakerOpen: 7, webhook.HeldRateLimit: 2}, open: 3, failing: 4, workers: 5,
		pages:   [][2]int{{10, 1}, {20, 2}, {5, 0}},
		tasks:   map[string]map[string]int{"deliver": {"pending": 8, "active": 1}},
		latency: map[string]time.Duration{"deliver": 1500 * time.Millisecond},
	}
	reg := prometheus.NewRegistry()
	return d, New(d, d, Config{Registerer: reg, Queues: []string{"deliver", "retry"}, States: []string{"pending", "active"}}), reg
}

// figures are all series by name and labels' values.
func figures(t *testing.T, reg *prometheus.Registry) map[string]float64 {
	t.Helper()
	families, err := reg.Gather()
	if err != nil {
		t.Fatal(err)
	}
	all := map[string]float64{}
	for _, f := range families {
		for _, m := range f.GetMetric() {
			name := strings.TrimPrefix(f.GetName(), "postrider_fleet_")
			for _, l := range m.GetLabel() {
				name += " " + l.GetValue()
			}
			all[name] = m.GetGauge().GetValue()
		}
	}
	return all
}

func want(t *testing.T, reg *prometheus.Registry, values map[string]float64) {
	t.Helper()
	got := figures(t, reg)
	for name, v := range values {
		if g, there := got[name]; !there || g != v {
			t.Errorf("%s is %v (there: %v), want %v", name, g, there, v)
		}
	}
}

func TestMeter(t *testing.T) {
	t.Parallel()
	t.Run("HasEverythingFromTheStart", func(t *testing.T) {
		t.Parallel()
		_, _, reg := setup()
		got := figures(t, reg)
		for name, v := range got {
			if v != 0 {
				t.Errorf("%s is %v", name, v)
			}
		}
		if n := len(webhook.HeldReasons()) + 1 + 2 + 2 + 4 + 2; len(got) != n {
			t.Errorf("%d series, want %d: %v", len(got), n, got)
		}
	})
	t.Run("ShowsWhatItFound", func(t *testing.T) {
		t.Parallel()
		_, m, reg := setup()
		run(t, m)
		want(t, reg, map[string]float64{
			"workers": 5, "held_deliveries breaker_open": 7, "held_deliveries rate_limit": 2, "held_deliveries ordering": 0,
			"breakers open": 3, "breakers failing": 4, "queue_tasks deliver pending": 8, "queue_tasks deliver active": 1,
			"queue_tasks retry pending": 0, "queue_latency_seconds deliver": 1.5,
		})
	})
	t.Run("CountsEndpointsPageByPageAndShowsWholePasses", func(t *testing.T) {
		t.Parallel()
		d, m, reg := setup()
		run(t, m)
		run(t, m)
		want(t, reg, map[string]float64{"endpoints active": 0})
		run(t, m)
		want(t, reg, map[string]float64{"endpoints active": 35, "endpoints disabled": 3})
		d.pages[0] = [2]int{9, 2}
		run(t, m)
		want(t, reg, map[string]float64{"endpoints active": 35, "endpoints disabled": 3})
		run(t, m)
		run(t, m)
		want(t, reg, map[string]float64{"endpoints active": 34, "endpoints disabled": 4})
		if got := fmt.Sprint(len(d.asked)); got != "6" {
			t.Errorf("%s pages were read", got)
		}
	})
	t.Run("KeepsWhatItHasWhenItCanNotMeasure", func(t *testing.T) {
		t.Parallel()
		d, m, reg := setup()
		run(t, m)
		d.err, d.workers = errors.New("away"), 0
		if m.RunOnce(t.Context()) == nil || m.MeasureQueues(t.Context()) == nil {
			t.Error("no error")
		}
		want(t, reg, map[string]float64{"workers": 5, "queue_tasks deliver pending": 8})
	})
	t.Run("ForgetsWhatAnotherMeasuresFromNowOn", func(t *testing.T) {
		t.Parallel()
		_, m, reg := setup()
		run(t, m)
		before := len(figures(t, reg))
		m.Forget()
		got := figures(t, reg)
		for name, v := range got {
			if v != 0 {
				t.Errorf("%s is %v", name, v)
			}
		}
		if len(got) != before {
			t.Errorf("%d series, %d before", len(got), before)
		}
	})
}

func run(t *testing.T, m *Meter) {
	t.Helper()
	if err := errors.Join(m.RunOnce(t.Context()), m.MeasureQueues(t.Context())); err != nil {
		t.Fatal(err)
	}
}
