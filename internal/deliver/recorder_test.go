package deliver

import (
	"context"
	"log/slog"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/postrider/postrider/internal/webhook"
)

// fakeOutcomes is a Postgres that decides everything, unless told otherwise.
type fakeOutcomes struct {
	mu     sync.Mutex
	groups [][]webhook.Outcome
	takes  time.Duration
	away   bool
	bad    webhook.ID
}

func (f *fakeOutcomes) Record(ctx context.Context, group []webhook.Outcome) ([]bool, error) {
	f.mu.Lock()
	f.groups = append(f.groups, slices.Clone(group))
	takes, away, bad := f.takes, f.away, f.bad
	f.mu.Unlock()
	select {
	case <-time.After(takes):
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	if away {
		return nil, webhook.Errorf(webhook.CodeUnavailable, "away")
	}
	decided := make([]bool, len(group))
	var err error
	for i, o := range group {
		if decided[i] = bad.IsZero() || o.Delivery.DeliveryID != bad; !decided[i] {
			err = webhook.Errorf(webhook.CodeInvalid, "refused")
		}
	}
	return decided, err
}

func (f *fakeOutcomes) EndRuns(context.Context, []webhook.ID) error { return nil }

func (f *fakeOutcomes) Failing(context.Context) ([]webhook.ID, error) { return nil, nil }

func (f *fakeOutcomes) set(change func(*fakeOutcomes)) {
	f.mu.Lock()
	defer f.mu.Unlock()
	change(f)
}

func (f *fakeOutcomes) recorded() [][]webhook.Outcome {
	f.mu.Lock()
	defer f.mu.Unlock()
	return slices.Clone(f.groups)
}

func outcome(n byte) webhook.Outcome {
	return webhook.Outcome{Delivery: webhook.Member{DeliveryID: ep(n)}, Status: webhook.StatusSuccess}
}

// asker waits for the answer about an outcome.
type asker chan verdict

func (a asker) recorded(_ *webhook.Outcome, v verdict) { a <- v }

// await returns once the outcome is recorded.
func (r *recorder) await(o webhook.Outcome) verdict {
	answer := make(asker, 1)
	r.record(o, answer)
	return <-answer
}

// fifty are recorded, one and then a group of the others.
func (r *recorder) fifty(all *sync.WaitGroup) {
	all.Go(func() { r.await(outcome(0)) })
	synctest.Wait()
	for n := range byte(49) {
		all.Go(func() { r.await(outcome(n + 1)) })
	}
	all.Wait()
}

// inBubble runs a test with a recorder on a clock that jumps.
func inBubble(t *testing.T, test func(t *testing.T, f *fakeOutcomes, r *recorder)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		f := &fakeOutcomes{takes: 10 * time.Millisecond}
		r := newRecorder(f, 64, slog.New(slog.DiscardHandler), newMetrics(nil, 0))
		go r.run()
		defer r.stop(context.Background())
		test(t, f, r)
	})
}

func TestRecorder(t *testing.T) {
	t.Parallel()

	t.Run("GathersWhileAGroupCommits", func(t *testing.T) {
		t.Parallel()
		inBubble(t, func(t *testing.T, f *fakeOutcomes, r *recorder) {
			var all sync.WaitGroup
			all.Go(func() { r.await(outcome(0)) })
			synctest.Wait()
			for n := range byte(50) {
				all.Go(func() { r.await(outcome(n + 1)) })
			}
			all.Wait()
			if g := f.recorded(); len(g) != 2 || len(g[0]) != 1 || len(g[1]) != 50 {
				t.Errorf("%d groups", len(g))
			}
		})
	})

	t.Run("WaitsForCompanyOnceThereIsSome", func(t *testing.T) {
		t.Parallel()
		inBubble(t, func(t *testing.T, f *fakeOutcomes, r *recorder) {
			f.set(func(f *fakeOutcomes) { f.takes = time.Millisecond })
			r.expect(1) // another request is under way meanwhile
			var all sync.WaitGroup
			for n := range byte(200) { // as many as ten a millisecond
				all.Go(func() {
					<-time.After(time.Duration(n) * time.Millisecond / 10)
					before := time.Now()
					r.await(outcome(n))
					if took := time.Since(before); took > company+2*f.takes {
						t.Errorf("outcome %d waited %s", n, took)
					}
				})
			}
			all.Wait()
			// The first is alone, the second group is what came meanwhile.
			if g := f.recorded(); len(g) > 5 {
				t.Errorf("%d groups", len(g))
			}
			// A lone one that comes after them waits once, and then nobody does.
			<-time.After(time.Second)
			r.await(outcome(1))
			before := time.Now()
			r.await(outcome(2))
			if took := time.Since(before); took != f.takes {
				t.Errorf("a lone one waited %s", took)
			}
			r.fifty(&all)
			r.expect(-1)
			before = time.Now()
			r.await(outcome(1))
			if took := time.Since(before); took != f.takes {
				t.Errorf("one waited %s, with nothing under way", took)
			}
		})
	})

	t.Run("LetsNoOrderedOneWaitForCompany", func(t *testing.T) {
		t.Parallel()
		inBubble(t, func(t *testing.T, f *fakeOutcomes, r *recorder) {
			r.expect(1) // another request is under way meanwhile
			var all sync.WaitGroup
			r.fifty(&all)
			ordered := outcome(60)
			ordered.Turn = &webhook.Turn{Key: "k", Seq: 1}
			before := time.Now()
			all.Go(func() { r.await(outcome(61)) })
			synctest.Wait()
			<-time.After(time.Millisecond)
			r.await(ordered)
			all.Wait()
			if took := time.Since(before); took != time.Millisecond+f.takes {
				t.Errorf("it took %s", took)
			}
		})
	})

	t.Run("ReturnsOnlyOnceCommitted", func(t *testing.T) {
		t.Parallel()
		inBubble(t, func(t *testing.T, _ *fakeOutcomes, r *recorder) {
			before := time.Now()
			if v := r.await(outcome(1)); !v.decided || v.lost || time.Since(before) != 10*time.Millisecond {
				t.Errorf("got %+v after %s", v, time.Since(before))
			}
		})
	})

	t.Run("PutsADeliveryIntoAGroupOnce", func(t *testing.T) {
		t.Parallel()
		inBubble(t, func(t *testing.T, f *fakeOutcomes, r *recorder) {
			var all sync.WaitGroup
			all.Go(func() { r.await(outcome(0)) })
			synctest.Wait()
			for range 3 {
				for n := range byte(5) {
					all.Go(func() { r.await(outcome(n + 1)) })
				}
			}
			all.Wait()
			total := 0
			for _, group := range f.recorded() {
				seen := make(map[webhook.ID]bool)
				for _, o := range group {
					if seen[o.Delivery.DeliveryID] {
						t.Errorf("%v is twice in one group", o.Delivery.DeliveryID)
					}
					seen[o.Delivery.DeliveryID] = true
					total++
				}
			}
			if total != 16 {
				t.Errorf("%d outcomes recorded, want 16", total)
			}
		})
	})

	t.Run("BoundsAGroup", func(t *testing.T) {
		t.Parallel()
		inBubble(t, func(t *testing.T, f *fakeOutcomes, r *recorder) {
			var all sync.WaitGroup
			all.Go(func() { r.await(outcome(0)) })
			synctest.Wait()
			for n := range maxGroup + 100 {
				o := webhook.Outcome{Delivery: webhook.Member{DeliveryID: webhook.ID{0: 1, 14: byte(n >> 8), 15: byte(n)}}}
				all.Go(func() { r.await(o) })
			}
			all.Wait()
			for _, group := range f.recorded() {
				if len(group) > maxGroup {
					t.Errorf("a group of %d", len(group))
				}
			}
		})
	})

	t.Run("KeepsTheNeighboursOfWhatIsRefused", func(t *testing.T) {
		t.Parallel()
		inBubble(t, func(t *testing.T, f *fakeOutcomes, r *recorder) {
			f.set(func(f *fakeOutcomes) { f.bad = ep(2) })
			verdicts := make([]verdict, 4)
			var all sync.WaitGroup
			all.Go(func() { verdicts[0] = r.await(outcome(0)) })
			synctest.Wait()
			for n := range byte(3) {
				all.Go(func() { verdicts[n+1] = r.await(outcome(n + 1)) })
			}
			all.Wait()
			want := []verdict{{decided: true}, {decided: true}, {lost: true}, {decided: true}}
			if !slices.Equal(verdicts, want) {
				t.Errorf("got %+v", verdicts)
			}
			if n := len(f.recorded()); n != 2 {
				t.Errorf("%d tries: what is refused was tried again", n)
			}
			if r.away.Load() {
				t.Error("Postgres counts as away, though it answered")
			}
		})
	})
}

func TestRecorderWhilePostgresIsAway(t *testing.T) {
	t.Parallel()

	t.Run("HoldsNewRequestsBackAndRecovers", func(t *testing.T) {
		t.Parallel()
		inBubble(t, func(t *testing.T, f *fakeOutcomes, r *recorder) {
			must(t, r.available(t.Context()))
			f.set(func(f *fakeOutcomes) { f.away = true })
			done := make(chan verdict, 1)
			go func() { done <- r.await(outcome(1)) }()
			time.AfterFunc(time.Hour, func() { f.set(func(f *fakeOutcomes) { f.away = false }) })
			<-time.After(time.Second) // the first try has failed
			before := time.Now()
			if r.check() == nil {
				t.Error("the check says nothing")
			}
			must(t, r.available(t.Context()))
			must(t, r.check())
			if waited := time.Since(before); waited < 59*time.Minute || waited > time.Hour+maxRecordWait {
				t.Errorf("held back for %s", waited)
			}
			if v := <-done; !v.decided {
				t.Errorf("got %+v", v)
			}
			must(t, r.available(t.Context()))
		})
	})

	t.Run("CountsAHangingOneAsAway", func(t *testing.T) {
		t.Parallel()
		inBubble(t, func(t *testing.T, f *fakeOutcomes, r *recorder) {
			f.set(func(f *fakeOutcomes) { f.takes = time.Hour })
			done := make(chan verdict, 1)
			go func() { done <- r.await(outcome(1)) }()
			<-time.After(recordTimeout + time.Millisecond)
			synctest.Wait()
			if !r.away.Load() {
				t.Error("new requests start")
			}
			f.set(func(f *fakeOutcomes) { f.takes = 0 })
			if v := <-done; !v.decided {
				t.Errorf("got %+v", v)
			}
		})
	})

	t.Run("HoldsBackNobodyForLongerThanTheyLike", func(t *testing.T) {
		t.Parallel()
		inBubble(t, func(t *testing.T, f *fakeOutcomes, r *recorder) {
			f.set(func(f *fakeOutcomes) { f.away = true })
			go r.await(outcome(1))
			<-time.After(time.Second)
			ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
			defer cancel()
			if err := r.available(ctx); err == nil {
				t.Error("available while Postgres is away")
			}
			f.set(func(f *fakeOutcomes) { f.away = false })
		})
	})

	t.Run("SurvivesOneOutageAfterTheOther", func(t *testing.T) {
		t.Parallel()
		inBubble(t, func(t *testing.T, f *fakeOutcomes, r *recorder) {
			for n := range byte(5) {
				f.set(func(f *fakeOutcomes) { f.away = true })
				time.AfterFunc(time.Minute, func() { f.set(func(f *fakeOutcomes) { f.away = false }) })
				if v := r.await(outcome(n)); !v.decided {
					t.Fatalf("got %+v", v)
				}
				must(t, r.available(t.Context()))
			}
		})
	})
}

func TestRecorderStop(t *testing.T) {
	t.Parallel()

	t.Run("WritesWhatWaits", func(t *testing.T) {
		t.Parallel()
		inBubble(t, func(t *testing.T, f *fakeOutcomes, r *recorder) {
			verdicts := make(chan verdict, 30)
			for n := range byte(30) {
				go func() { verdicts <- r.await(outcome(n / 3)) }() // each delivery three times
			}
			synctest.Wait()
			r.stop(context.Background())
			synctest.Wait()
			if len(verdicts) != 30 {
				t.Fatalf("%d of 30 were answered", len(verdicts))
			}
			for range 30 {
				if v := <-verdicts; !v.decided {
					t.Errorf("got %+v", v)
				}
			}
			total := 0
			for _, group := range f.recorded() {
				total += len(group)
			}
			if total != 30 {
				t.Errorf("%d outcomes recorded", total)
			}
		})
	})

	t.Run("GivesUpWithItsContext", func(t *testing.T) {
		t.Parallel()
		inBubble(t, func(t *testing.T, f *fakeOutcomes, r *recorder) {
			f.set(func(f *fakeOutcomes) { f.away = true })
			done := make(chan verdict, 1)
			go func() { done <- r.await(outcome(1)) }()
			synctest.Wait()
			ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
			defer cancel()
			r.stop(ctx)
			if v := <-done; v.decided || !v.lost {
				t.Errorf("got %+v", v)
			}
		})
	})
}
