package deliver

import (
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// delays are the sums of the seconds that first attempts and successes came after
// they were wanted.
func delays(t *testing.T, reg *prometheus.Registry) (first, success float64) {
	t.Helper()
	families, err := reg.Gather()
	must(t, err)
	sums := make(map[string]float64)
	for _, f := range families {
		// Zero for what is no histogram.
		sums[f.GetName()] = f.GetMetric()[0].GetHistogram().GetSampleSum()
	}
	return sums["postrider_deliver_first_attempt_delay_seconds"], sums["postrider_deliver_success_delay_seconds"]
}

func TestDelaysAreCountedFromWhenTheDeliveryWasWanted(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		deliverAt   string
		least, most float64
	}{
		"FromItsOwnTime":                   {"now() - interval '10 minutes'", 600, 700},
		"FromItsEventsAcceptanceAsARule":   {"NULL", 3600, 3700},
		"FromItsAcceptanceWhereThatIsLate": {"now() - interval '3 hours'", 3600, 3700},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			reg := prometheus.NewRegistry()
			s := setup(t, func(s *stage) { s.cfg.Registerer = reg })
			m := s.deliveryOf(time.Now().Add(-time.Hour), s.endpoint(), "c_1")
			s.change(m, "deliver_at = "+tt.deliverAt)
			replayed := s.deliveryOf(time.Now().Add(-time.Hour), s.endpoint(), "c_2")
			s.change(replayed, "replay_id = gen_random_uuid()")
			s.process(chunk("c_1", m))
			s.process(chunk("c_2", replayed))
			s.wants(m, "status = 'success' AND attempts = 1")
			s.wants(replayed, "status = 'success' AND attempts = 1")
			first, success := delays(t, reg)
			if min(first, success) < tt.least || max(first, success) > tt.most {
				t.Errorf("%v and %v s, want %v to %v", first, success, tt.least, tt.most)
			}
		})
	}
}
