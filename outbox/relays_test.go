package outbox

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/postrider/postrider/test/e2e/stack"
)

// TestRelays: several relays on one table.
func TestRelays(t *testing.T) {
	t.Parallel()

	t.Run("OneWorksAndAnotherTakesOver", func(t *testing.T) {
		t.Parallel()
		pool, first, second := setup(t), newAPI(), newAPI()
		stop := run(t, pool, first, Config{})
		commit(t, pool, "a")
		waitEmpty(t, pool)
		run(t, pool, second, Config{})
		commit(t, pool, "b")
		waitEmpty(t, pool)
		second.wantIDs(t)
		stop()
		commit(t, pool, "c")
		waitEmpty(t, pool)
		first.wantIDs(t, "a", "b")
		second.wantIDs(t, "c")
	})

	t.Run("TheLeaseOfADeadOneRunsOut", func(t *testing.T) {
		t.Parallel()
		pool, to := setup(t), newAPI()
		dead := NewRelay(pool, to, Config{Lease: 500 * time.Millisecond})
		if leads, err := dead.claim(t.Context()); !leads || err != nil {
			t.Fatalf("%v, %v", leads, err)
		}
		other := NewRelay(pool, to, Config{Lease: time.Hour})
		if leads, err := other.claim(t.Context()); leads || err != nil {
			t.Fatalf("two lead: %v", err)
		}
		stack.Eventually(t, "another one leads", func() bool {
			leads, err := other.claim(t.Context())
			return leads && err == nil
		})
		if leads, err := dead.claim(t.Context()); leads || err != nil {
			t.Errorf("the first one still leads: %v", err)
		}
	})

	t.Run("KeepTheOrderEvenWhereAllOfThemWork", func(t *testing.T) {
		t.Parallel()
		pool, to := setup(t), newAPI()
		ctx, stop := context.WithCancel(t.Context())
		defer stop()
		var relays, producers sync.WaitGroup
		for range 3 {
			r := NewRelay(pool, to, Config{BatchSize: 7})
			relays.Go(func() { r.work(ctx) }) // as if each had the lease
		}
		for p := range 4 {
			producers.Go(func() {
				for i := range 40 {
					commit(t, pool, fmt.Sprintf("p%d-%02d-a", p, i), fmt.Sprintf("p%d-%02d-b", p, i))
				}
			})
		}
		producers.Wait()
		waitEmpty(t, pool)
		stop()
		relays.Wait()
		got := to.ids()
		if len(got) != 4*40*2 {
			t.Errorf("%d events are accepted", len(got))
		}
		for p := range 4 {
			own := slices.DeleteFunc(slices.Clone(got), func(id string) bool { return !strings.HasPrefix(id, fmt.Sprintf("p%d", p)) })
			if !slices.IsSorted(own) {
				t.Errorf("producer %d's events came as %v", p, own)
			}
		}
	})
}
