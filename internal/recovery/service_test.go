package recovery

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"
	"time"
)

func TestServices(t *testing.T) {
	t.Parallel()

	t.Run("RunWhileTheirSchedulerLeads", func(t *testing.T) {
		t.Parallel()
		s := newStage(t)
		first, second := s.scheduler("a", &fakeMemory{}), s.scheduler("b", &fakeMemory{})
		var ofFirst, ofSecond atomic.Int64
		for scheduler, rounds := range map[*Scheduler]*atomic.Int64{first: &ofFirst, second: &ofSecond} {
			scheduler.cfg.Services = []Service{{Name: "counts", Every: 10 * time.Millisecond, RunOnce: func(context.Context) error {
				rounds.Add(1)
				return nil
			}}}
		}
		first.Start()
		defer first.Stop()
		s.eventually("the first one's runs again and again", func() bool { return ofFirst.Load() > 5 })
		second.Start()
		defer second.Stop()
		s.eventuallyFed(s.delivery(s.endpoint(), ""))
		if n := ofSecond.Load(); n != 0 {
			t.Errorf("ran %d times beside the leader", n)
		}
		first.Stop()
		last := ofFirst.Load()
		s.eventually("the second one's runs", func() bool { return ofSecond.Load() > 5 })
		if n := ofFirst.Load(); n != last {
			t.Errorf("ran %d times after its scheduler had stopped", n-last)
		}
	})

	t.Run("GoOnAfterAFailure", func(t *testing.T) {
		t.Parallel()
		s := newStage(t)
		scheduler := s.scheduler("a", &fakeMemory{})
		var rounds atomic.Int64
		scheduler.cfg.Services = []Service{{Name: "fails", Every: 10 * time.Millisecond, RunOnce: func(context.Context) error {
			if rounds.Add(1) == 1 {
				return errors.New("away")
			}
			return nil
		}}}
		scheduler.Start()
		defer scheduler.Stop()
		s.eventually("another round", func() bool { return rounds.Load() > 2 })
	})
}
