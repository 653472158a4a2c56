package recovery

import (
	"context"
	"fmt"
)

// memory notices when Redis forgot: a tick is written each second, and the one
// before it must still be there.
type memory struct {
	redis Memory
	epoch int64
	lost  chan<- struct{} // gets a full audit going

	count int64
	last  int64 // the last value known to have been written
	away  bool
}

func (m *memory) runOnce(ctx context.Context) error {
	m.count++
	// Larger than any tick of an earlier leader.
	value := m.epoch<<32 | m.count
	previous, found, err := m.redis.Tick(ctx, value)
	if err != nil {
		m.away = true
		return fmt.Errorf("memory: %w", err)
	}
	// Missing after FLUSHALL or a restart without persistence, older after a
	// return to a snapshot. One that was away may have restarted with all but
	// its last second, of which the tick was not a part.
	forgot := !found || previous < m.last || m.away
	m.last, m.away = value, false
	if forgot {
		select {
		case m.lost <- struct{}{}:
		default: // one is asked for already
		}
	}
	return nil
}
