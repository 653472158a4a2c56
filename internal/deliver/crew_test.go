package deliver

import (
	"sync/atomic"
	"testing"
	"testing/synctest"
)

// errand is an attempt that lasts until it is let go.
type errand struct {
	made *atomic.Int64
	held chan struct{}
}

func (e errand) attempt() {
	<-e.held
	e.made.Add(1)
}

func TestCrew(t *testing.T) {
	t.Parallel()
	inCrew := func(t *testing.T, f func(c *crew, made *atomic.Int64)) {
		t.Parallel()
		synctest.Test(t, func(*testing.T) {
			c := newCrew()
			var made atomic.Int64
			f(c, &made)
			c.end() // and the bubble waits for whoever is left
		})
	}
	free := make(chan struct{})
	close(free)

	t.Run("MakesAttemptsOneAfterTheOtherOnOneGoroutine", func(t *testing.T) {
		inCrew(t, func(c *crew, made *atomic.Int64) {
			for range 10 {
				c.attempt(errand{made, free})
				synctest.Wait()
			}
			if made.Load() != 10 || c.idle.Load() != 1 {
				t.Errorf("%d attempts were made, %d wait", made.Load(), c.idle.Load())
			}
		})
	})

	t.Run("MakesAnyNumberAtOnceAndKeepsAFew", func(t *testing.T) {
		inCrew(t, func(c *crew, made *atomic.Int64) {
			held := make(chan struct{})
			for range 3 * maxIdle {
				c.attempt(errand{made, held})
			}
			synctest.Wait()
			if made.Load() != 0 || c.idle.Load() != 0 {
				t.Errorf("%d attempts were made, %d wait", made.Load(), c.idle.Load())
			}
			close(held)
			synctest.Wait()
			if made.Load() != 3*maxIdle || c.idle.Load() != maxIdle {
				t.Errorf("%d attempts were made, %d wait", made.Load(), c.idle.Load())
			}
		})
	})

	t.Run("MakesAttemptsAlsoOnceItIsDismissed", func(t *testing.T) {
		inCrew(t, func(c *crew, made *atomic.Int64) {
			c.attempt(errand{made, free})
			synctest.Wait()
			c.dismiss()
			synctest.Wait()
			c.attempt(errand{made, free})
			synctest.Wait()
			if made.Load() != 2 || c.idle.Load() != 0 {
				t.Errorf("%d attempts were made, %d wait", made.Load(), c.idle.Load())
			}
		})
	})
}
