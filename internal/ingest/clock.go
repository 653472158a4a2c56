package ingest

import (
	"sync/atomic"
	"time"
)

// clock tells Postgres's time by this process's own. Ids are by it: APIs whose
// clocks differ still make ids in about the order in which they accept, so that
// whoever reads in that order knows when no older one can come any more.
type clock struct {
	now  func() time.Time
	last atomic.Pointer[reading]
}

// reading is what Postgres's clock said, and when that was here.
type reading struct{ postgres, here time.Time }

// set takes what Postgres said a moment ago, so that time is never ahead of it.
func (c *clock) set(postgres time.Time) {
	if !postgres.IsZero() {
		c.last.Store(&reading{postgres, c.now()})
	}
}

// time is Postgres's, less what it took to learn it.
func (c *clock) time() time.Time {
	if r := c.last.Load(); r != nil {
		return r.postgres.Add(c.now().Sub(r.here))
	}
	return c.now()
}
