package deliver

import (
	"maps"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/postrider/postrider/internal/webhook"
)

// model follows a limiter from outside: who waits, who runs.
type model struct {
	*bench
	slots   int
	ceiling map[webhook.ID]int
	waiting map[webhook.ID][]*ticket
	running map[webhook.ID][]*ticket
	left    map[*ticket]bool
}

// settle moves what was granted from waiting to running.
func (m *model) settle(t *rapid.T) {
	for id, all := range m.waiting {
		var still []*ticket
		for _, w := range all {
			if w.granted {
				if len(still) > 0 {
					t.Fatalf("%v: served out of turn", id)
				}
				m.running[id] = append(m.running[id], w)
			} else {
				still = append(still, w)
			}
		}
		m.waiting[id] = still
	}
}

// check holds what must be so at any moment.
func (m *model) check(t *rapid.T) {
	m.settle(t)
	inFlight, slow := 0, 0
	for id, all := range m.running {
		e := m.endpoints[id]
		if len(all) > 0 && (e == nil || e.inFlight != len(all) || len(e.starts) != len(all)) {
			t.Fatalf("%v: %d run, the limiter knows %+v", id, len(all), e)
		}
		if len(all) > m.ceiling[id] {
			t.Fatalf("%v: %d run with a ceiling of %d", id, len(all), m.ceiling[id])
		}
		inFlight += len(all)
		if e != nil && !e.quick {
			slow += len(all)
		}
	}
	if free := m.slots - inFlight; m.limiter.slots != free || free < 0 {
		t.Fatalf("%d slots are free, the limiter says %d", free, m.limiter.slots)
	}
	half := max(m.slots/2, 1)
	if m.slowSlots != half-slow {
		t.Fatalf("%d slow slots are free, the limiter says %d", half-slow, m.slowSlots)
	}
	m.checkNobodySleeps(t, half-slow)
	if waiting := len(slices.Concat(slices.Collect(maps.Values(m.waiting))...)); m.limiter.waiting() != waiting {
		t.Fatalf("%d wait, the limiter says %d", waiting, m.limiter.waiting())
	}
	for gone := range m.left {
		if gone.granted {
			t.Fatal("who left was granted a slot")
		}
	}
}

// checkNobodySleeps: while there is room for who is next at an endpoint, it does
// not wait.
func (m *model) checkNobodySleeps(t *rapid.T, slowFree int) {
	for id, all := range m.waiting {
		if len(all) == 0 {
			continue
		}
		e := m.endpoints[id]
		if e.inFlight >= int(e.limit(m.ceiling[id])) || m.limiter.slots == 0 {
			continue
		}
		if e.quick || slowFree > 0 && (e.inFlight == 0 || slowFree > m.newcomers) {
			t.Fatalf("%v waits, with %d slots and %d slow ones free: %+v", id, m.limiter.slots, slowFree, e)
		}
	}
}

func TestLimiterHoldsItsPromises(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		slots := rapid.IntRange(1, 40).Draw(t, "slots")
		m := &model{
			bench: newBench(slots), slots: slots, ceiling: make(map[webhook.ID]int), left: make(map[*ticket]bool),
			waiting: make(map[webhook.ID][]*ticket), running: make(map[webhook.ID][]*ticket),
		}
		var ids []webhook.ID
		for n := range rapid.IntRange(1, 8).Draw(t, "endpoints") {
			ids = append(ids, ep(byte(n)))
			m.ceiling[ep(byte(n))] = rapid.IntRange(1, 20).Draw(t, "ceiling")
		}
		anyID := rapid.SampledFrom(ids)
		t.Repeat(map[string]func(*rapid.T){
			"": m.check,
			"enter": func(t *rapid.T) {
				id := anyID.Draw(t, "id")
				slowBefore := m.slowSlots
				m.backlog = rapid.Bool().Draw(t, "backlog")
				if w := m.enterOne(id, m.ceiling[id]); w != nil {
					m.waiting[id] = append(m.waiting[id], w)
				}
				if m.slowSlots < min(slowBefore, 0) {
					t.Fatalf("a slow endpoint took more than their half: %d", m.slowSlots)
				}
			},
			"release": func(t *rapid.T) {
				id := anyID.Draw(t, "id")
				if len(m.running[id]) == 0 {
					return
				}
				n := rapid.IntRange(0, len(m.running[id])-1).Draw(t, "n")
				done := m.running[id][n]
				m.running[id] = append(m.running[id][:n:n], m.running[id][n+1:]...)
				m.release(id, done, m.now, rapid.Bool().Draw(t, "ok"))
			},
			"leave": func(t *rapid.T) {
				id := anyID.Draw(t, "id")
				if len(m.waiting[id]) == 0 {
					return
				}
				n := rapid.IntRange(0, len(m.waiting[id])-1).Draw(t, "n")
				gone := m.waiting[id][n]
				m.waiting[id] = append(m.waiting[id][:n:n], m.waiting[id][n+1:]...)
				if !m.leave(id, gone) {
					t.Fatal("who waited could not leave")
				}
				m.left[gone] = true
			},
			"sweep": func(*rapid.T) { m.sweep(m.now) },
			"time passes": func(t *rapid.T) {
				m.now = m.now.Add(time.Duration(rapid.IntRange(1, 1500).Draw(t, "ms")) * time.Millisecond)
			},
		})
	})
}
