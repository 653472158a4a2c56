package recovery

import (
	"context"
	"time"
)

// Service is another package's, that wants a leader: one round at a time, every so
// often, and again after a pause where that failed.
type Service struct {
	// Name is what logs and metrics call it.
	Name    string
	Every   time.Duration
	RunOnce func(context.Context) error
	// Ended is called when this scheduler leads no more and no round runs: what it
	// measured is the next one's to say. Default nil.
	Ended func()
}

// others are the loops of Config.Services.
func (s *Scheduler) others() []*loop {
	loops := make([]*loop, 0, len(s.cfg.Services))
	for _, o := range s.cfg.Services {
		loops = append(loops, s.loop(o.Name, o.Every, o.RunOnce))
	}
	return loops
}
