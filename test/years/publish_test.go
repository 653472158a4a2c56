package years

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/postrider/postrider/test/e2e/stack"
)

const (
	posters = 16
	// events of a round at fan-out 1; at fan-out 10 it is a tenth.
	eventsARound = 3000
)

// prepare makes ten endpoints for each fan-out, at this run's receiver, and tells how
// to publish: types of their own, so that the loaded endpoints get nothing.
func (s *side) prepare(t *testing.T) {
	t.Helper()
	for i := range fanout {
		for _, kind := range []string{"single", "wide"} {
			in := stack.Settings{"events": []string{kindType(kind, i)}, "description": "measured"}
			s.c.Endpoint(t, s.receiver, fmt.Sprintf("/%s/%d", kind, i), in)
		}
	}
}

// kindType is the type of the i-th event: of single events each tenth is one type's.
func kindType(kind string, i int) string {
	if kind == "wide" {
		return "measured.wide"
	}
	return fmt.Sprintf("measured.single.n%d", i%fanout)
}

// dispose removes them: the next run's receiver is another.
func (s *side) dispose(t *testing.T) {
	t.Helper()
	var p struct {
		Data []struct{ ID, Description string }
	}
	s.c.Call(t, http.MethodGet, "/v1/endpoints?limit=250", nil, http.StatusOK, &p)
	for _, e := range p.Data {
		if e.Description == "measured" {
			s.c.Call(t, http.MethodDelete, "/v1/endpoints/"+e.ID, nil, http.StatusNoContent, nil)
		}
	}
}

// load is one round of publishing.
type load struct {
	accepted, delivered float64 // a second
	p50, p99            float64 // of an answer
}

var filler = strings.Repeat("lorem ipsum dolor ", 14)

// post publishes n events in a closed loop and waits until all have arrived.
func (s *side) post(t *testing.T, kind string, n int) load {
	t.Helper()
	want := s.receiver.Pairs() + n
	if kind == "wide" {
		want += n * (fanout - 1)
	}
	took := make([]float64, n)
	var next, failed atomic.Int64
	began := time.Now()
	var wg sync.WaitGroup
	for range posters {
		wg.Go(func() {
			for i := int(next.Add(1)) - 1; i < n; i = int(next.Add(1)) - 1 {
				d, err := s.publish(t.Context(), kindType(kind, i), i)
				if err != nil {
					failed.Add(1)
					t.Error(err)
					return
				}
				took[i] = milliseconds(d)
			}
		})
	}
	wg.Wait()
	accepted := time.Since(began)
	if failed.Load() > 0 {
		t.FailNow()
	}
	stack.Eventually(t, fmt.Sprintf("%s: %d requests have arrived", s.name, want), func() bool { return s.receiver.Pairs() >= want })
	deliveries := want - (want - n)
	if kind == "wide" {
		deliveries = n * fanout
	}
	return load{
		accepted: float64(n) / accepted.Seconds(), delivered: float64(deliveries) / time.Since(began).Seconds(),
		p50: quantile(took, 50), p99: quantile(took, 99),
	}
}

func (s *side) publish(ctx context.Context, eventType string, i int) (time.Duration, error) {
	in := map[string]any{"type": eventType, "data": map[string]any{"sequence": i, "note": filler}}
	began := time.Now()
	a, err := s.c.Try(ctx, http.MethodPost, "/v1/events", in)
	if err == nil && a.Status != http.StatusAccepted {
		err = fmt.Errorf("%s: an event was answered %s", s.name, a)
	}
	return time.Since(began), err
}

func (b both) publish(t *testing.T) (lines []line) {
	t.Helper()
	for _, k := range []struct {
		kind, title string
		n           int
	}{{"single", "fan-out 1", eventsARound}, {"wide", "fan-out 10", eventsARound / fanout}} {
		b.alternate(t, 1, func(s *side) float64 { return s.post(t, k.kind, k.n).p50 })
		var accepted, delivered, p50, p99 pair
		record := func(s *side) float64 {
			l := s.post(t, k.kind, k.n)
			for _, f := range []struct {
				p *pair
				v float64
			}{{&accepted, l.accepted}, {&delivered, l.delivered}, {&p50, l.p50}, {&p99, l.p99}} {
				if s == b.full {
					f.p.full = append(f.p.full, f.v)
				} else {
					f.p.small = append(f.p.small, f.v)
				}
			}
			return l.p50
		}
		b.alternate(t, *rounds, record)
		lines = append(lines,
			byRound("publish at "+k.title+": accepted", "events/s", accepted, true),
			byRound("publish at "+k.title+": first post to last arrival", "deliveries/s", delivered, true),
			byRound("publish at "+k.title+": answer, p50", "ms", p50, false),
			byRound("publish at "+k.title+": answer, p99", "ms", p99, false))
	}
	for _, l := range lines {
		t.Log(l)
	}
	return lines
}
