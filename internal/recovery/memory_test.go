package recovery

import (
	"context"
	"errors"
	"sync"
	"testing"
)

// fakeMemory is the one key that memory writes.
type fakeMemory struct {
	mu    sync.Mutex
	value int64
	found bool
	away  bool
}

func (f *fakeMemory) Tick(_ context.Context, value int64) (int64, bool, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.away {
		return 0, false, errAway
	}
	was, found := f.value, f.found
	f.value, f.found = value, true
	return was, found, nil
}

// flush is FLUSHALL.
func (f *fakeMemory) flush() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.value, f.found = 0, false
}

func TestMemory(t *testing.T) {
	t.Parallel()
	// begin has ticked three times, and nothing was wrong.
	begin := func(t *testing.T) (m *memory, redis *fakeMemory, lost chan struct{}) {
		t.Helper()
		redis, lost = &fakeMemory{value: 1<<32 | 700, found: true}, make(chan struct{}, 1)
		m = &memory{redis: redis, epoch: 2, lost: lost}
		for range 3 {
			must(t, m.runOnce(t.Context()))
		}
		if len(lost) != 0 {
			t.Fatal("Redis is said to have lost its memory at the start")
		}
		return m, redis, lost
	}

	t.Run("MissesATickAfterFlush", func(t *testing.T) {
		t.Parallel()
		m, redis, lost := begin(t)
		redis.flush()
		must(t, m.runOnce(t.Context()))
		if len(lost) != 1 {
			t.Error("not noticed")
		}
	})

	t.Run("SeesAnOlderTickAfterARollback", func(t *testing.T) {
		t.Parallel()
		m, redis, lost := begin(t)
		redis.value--
		must(t, m.runOnce(t.Context()))
		if len(lost) != 1 {
			t.Error("not noticed")
		}
	})

	t.Run("TrustsNoRedisThatWasAway", func(t *testing.T) {
		t.Parallel()
		m, redis, lost := begin(t)
		redis.away = true
		if err := m.runOnce(t.Context()); !errors.Is(err, errAway) || len(lost) != 0 {
			t.Errorf("got %v, lost %d", err, len(lost))
		}
		redis.away = false
		must(t, m.runOnce(t.Context()))
		if len(lost) != 1 {
			t.Error("not noticed")
		}
		<-lost
		must(t, m.runOnce(t.Context()))
		if len(lost) != 0 {
			t.Error("noticed twice")
		}
	})

	t.Run("TakesALaterLeadersTickForWhatItIs", func(t *testing.T) {
		t.Parallel()
		m, redis, lost := begin(t)
		redis.value = 3<<32 | 1
		must(t, m.runOnce(t.Context()))
		if len(lost) != 0 {
			t.Error("taken for a loss")
		}
	})
}
