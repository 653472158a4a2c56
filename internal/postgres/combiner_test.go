package postgres

import (
	"context"
	"errors"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// slowly is a combiner whose calls take a second, and how many were in each.
func slowly(fail error) (*combiner[int], *[]int) {
	var sizes []int
	return newCombiner(func(_ context.Context, all []int) error {
		sizes = append(sizes, len(all))
		<-time.After(time.Second)
		return fail
	}), &sizes
}

func TestCombiner(t *testing.T) {
	t.Parallel()

	t.Run("MakesALoneCallerNotWait", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			c, _ := slowly(nil)
			began := time.Now()
			if err := c.do(t.Context(), 1); err != nil || time.Since(began) != time.Second {
				t.Errorf("after %s: %v", time.Since(began), err)
			}
		})
	})

	t.Run("MakesOneCallOfThoseWhoComeDuringAnother", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			c, sizes := slowly(nil)
			var all sync.WaitGroup
			all.Go(func() { _ = c.do(t.Context(), 0) })
			synctest.Wait()
			for n := range maxCombined + 10 {
				all.Go(func() {
					if err := c.do(t.Context(), n); err != nil {
						t.Error(err)
					}
				})
			}
			all.Wait()
			if got := *sizes; len(got) != 3 || got[0] != 1 || got[1]+got[2] != maxCombined+10 || max(got[1], got[2]) != maxCombined {
				t.Errorf("the calls had %v", got)
			}
		})
	})

	t.Run("GivesAsManyAsLastTimeAMomentToCome", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			c, sizes := slowly(nil)
			crowd := func(n int, apart time.Duration) {
				var all sync.WaitGroup
				for i := range n {
					all.Go(func() {
						<-time.After(time.Duration(i) * apart)
						_ = c.do(t.Context(), i)
					})
				}
				all.Wait()
			}
			c.last = 8
			began := time.Now()
			crowd(8, gatherCallers/16) // seven are enough; the eighth waits for others in vain
			if took := time.Since(began); took != 2*time.Second+6*gatherCallers/16+gatherCallers {
				t.Errorf("it took %s", took)
			}
			c.last = 100
			began = time.Now()
			crowd(3, 0) // nobody waits for the others for long
			if took := time.Since(began); took != time.Second+gatherCallers {
				t.Errorf("it took %s", took)
			}
			c.last = 1
			began = time.Now()
			crowd(1, 0)
			if took := time.Since(began); took != time.Second {
				t.Errorf("it took %s", took)
			}
			if got := *sizes; len(got) != 4 || got[0] != 7 || got[1] != 1 || got[2] != 3 || got[3] != 1 {
				t.Errorf("the calls had %v", got)
			}
		})
	})

	t.Run("TellsEverybodyOfAFailure", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			failure := errors.New("away")
			c, _ := slowly(failure)
			var all sync.WaitGroup
			for n := range 5 {
				all.Go(func() {
					if err := c.do(t.Context(), n); !errors.Is(err, failure) {
						t.Errorf("got %v", err)
					}
				})
			}
			all.Wait()
		})
	})

	t.Run("LetsACallerGoAndServesTheOthers", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			c, sizes := slowly(nil)
			gone, cancel := context.WithTimeout(t.Context(), time.Second/2)
			defer cancel()
			var all sync.WaitGroup
			all.Go(func() { _ = c.do(t.Context(), 0) })
			synctest.Wait()
			all.Go(func() { _ = c.do(gone, 1) }) // leads the next call
			synctest.Wait()
			all.Go(func() {
				if err := c.do(t.Context(), 2); err != nil {
					t.Error(err)
				}
			})
			all.Go(func() {
				began := time.Now()
				if err := c.do(gone, 3); !errors.Is(err, context.DeadlineExceeded) || time.Since(began) != time.Second/2 {
					t.Errorf("after %s: %v", time.Since(began), err)
				}
			})
			all.Wait()
			if got := *sizes; len(got) != 2 || got[1] != 3 {
				t.Errorf("the calls had %v", got)
			}
		})
	})

	t.Run("GoesOnAfterAPanic", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			first := true
			c := newCombiner(func(context.Context, []int) error {
				<-time.After(time.Second)
				if first {
					first = false
					panic("a mistake")
				}
				return nil
			})
			var all sync.WaitGroup
			all.Go(func() {
				defer func() {
					if recover() == nil {
						t.Error("who led it does not know")
					}
				}()
				_ = c.do(t.Context(), 0)
			})
			all.Wait()
			if err := c.do(t.Context(), 1); err != nil {
				t.Error(err)
			}
		})
	})
}
