package deliver

import (
	"fmt"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	dto "github.com/prometheus/client_model/go"

	"github.com/postrider/postrider/internal/webhook"
)

func newAttempt(now time.Time) (*member, *webhook.Outcome) {
	m := &member{standing: &webhook.Standing{}}
	m.DeliveryID, m.EndpointID = webhook.NewID(now), webhook.NewID(now)
	return m, &webhook.Outcome{
		Status: webhook.StatusSuccess, Attempt: webhook.Attempt{StartedAt: now, Duration: 20 * time.Millisecond},
	}
}

func TestExemplars(t *testing.T) {
	t.Parallel()
	reg := prometheus.NewRegistry()
	met := newMetrics(reg, 0)
	now := time.Now()
	first, o := newAttempt(now)
	met.attempted(first, o, now)
	second, o := newAttempt(now)
	met.attempted(second, o, now.Add(exemplarEvery/2))
	if got := exemplarOf(t, reg, "postrider_deliver_attempt_duration_seconds"); got != first.DeliveryID.Format(webhook.DeliveryPrefix) {
		t.Errorf("the bucket's exemplar is %q half a second later, want the first delivery", got)
	}
	third, o := newAttempt(now)
	met.attempted(third, o, now.Add(exemplarEvery))
	if got := exemplarOf(t, reg, "postrider_deliver_attempt_duration_seconds"); got != third.DeliveryID.Format(webhook.DeliveryPrefix) {
		t.Errorf("the bucket's exemplar is %q a second later, want the third delivery", got)
	}
}

func TestAnAttemptsMetricsCostNoAllocation(t *testing.T) { // not parallel: AllocsPerRun is of the whole process
	for _, endpoints := range []int{0, 5} {
		met := newMetrics(prometheus.NewRegistry(), endpoints)
		now := time.Now()
		m, o := newAttempt(now)
		if n := testing.AllocsPerRun(100, func() { met.attempted(m, o, now) }); n > 0 {
			t.Errorf("with %d endpoints shown an attempt costs %v allocations", endpoints, n)
		}
	}
}

// exemplarOf is the delivery in the one bucket that has an exemplar.
func exemplarOf(t *testing.T, reg *prometheus.Registry, name string) string {
	t.Helper()
	families, err := reg.Gather()
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range families {
		if f.GetName() != name {
			continue
		}
		for _, b := range f.GetMetric()[0].GetHistogram().GetBucket() {
			if e := b.GetExemplar(); e != nil {
				return delivery(e)
			}
		}
	}
	return ""
}

func delivery(e *dto.Exemplar) string {
	for _, l := range e.GetLabel() {
		if l.GetName() == "delivery_id" {
			return l.GetValue()
		}
	}
	return ""
}

func TestBusiest(t *testing.T) {
	t.Parallel()
	ids := make([]webhook.ID, 100)
	for i := range ids {
		ids[i] = webhook.NewID(time.Now())
	}
	setup := func() (*prometheus.Registry, *busiest) {
		reg := prometheus.NewRegistry()
		return reg, newMetrics(reg, 2).busiest
	}
	labels := func(t *testing.T, reg *prometheus.Registry) map[string]bool {
		t.Helper()
		found := map[string]bool{}
		families, err := reg.Gather()
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range families {
			for _, m := range f.GetMetric() {
				for _, l := range m.GetLabel() {
					if l.GetName() == "endpoint_id" {
						found[l.GetValue()] = true
					}
				}
			}
		}
		return found
	}
	name := func(i int) string { return ids[i].Format(webhook.EndpointPrefix) }

	t.Run("NoneUnlessAskedFor", func(t *testing.T) {
		t.Parallel()
		reg := prometheus.NewRegistry()
		newMetrics(reg, 0).busiest.count(ids[0], outcomeSuccess, time.Second)
		if got := labels(t, reg); len(got) != 0 {
			t.Errorf("endpoints have series: %v", got)
		}
	})
	t.Run("SoManyAndTheOthersTogether", func(t *testing.T) {
		t.Parallel()
		reg, b := setup()
		for _, id := range ids {
			b.count(id, outcomeFailed, time.Second)
		}
		if got := labels(t, reg); len(got) != 3 || !got[otherEndpoints] {
			t.Errorf("labels %v, want two endpoints and %q", got, otherEndpoints)
		}
		if n := len(b.rivals); n > 2*rivalsEach {
			t.Errorf("%d others are watched", n)
		}
		var counted dto.Metric
		if err := b.others.attempts[outcomeFailed].Write(&counted); err != nil {
			t.Fatal(err)
		}
		if got := counted.GetCounter().GetValue(); got != 98 {
			t.Errorf("the others have %v attempts, want 98", got)
		}
	})
	t.Run("TheBusyTakeThePlaceOfTheIdle", func(t *testing.T) {
		t.Parallel()
		reg, b := setup()
		for i, n := range []int{1, 5, 3, 10} {
			for range n {
				b.count(ids[i], outcomeSuccess, time.Second)
			}
		}
		b.review()
		b.count(ids[3], outcomeSuccess, time.Second)
		if got := labels(t, reg); got[name(0)] || !got[name(1)] || !got[name(3)] || got[name(2)] {
			t.Errorf("shown are %v; want the second, whom none has twice the attempts of, and the fourth", got)
		}
	})
	t.Run("EqualsDoNotTakeTurns", func(t *testing.T) {
		t.Parallel()
		reg, b := setup()
		for i, n := range []int{4, 4, 8, 8} {
			for range n {
				b.count(ids[i], outcomeSuccess, time.Second)
			}
		}
		b.review()
		if got := labels(t, reg); !got[name(0)] || !got[name(1)] {
			t.Errorf("shown are %v, want the first two", got)
		}
	})
}

func BenchmarkAttempted(b *testing.B) {
	for _, endpoints := range []int{0, 20} {
		b.Run(fmt.Sprintf("endpoints=%d", endpoints), func(b *testing.B) {
			m := newMetrics(prometheus.NewRegistry(), endpoints)
			member, o := newAttempt(time.Now())
			b.ReportAllocs()
			for b.Loop() {
				m.attempted(member, o, time.Now())
			}
		})
	}
}
