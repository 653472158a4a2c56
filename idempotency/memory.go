package idempotency

import (
	"context"
	"crypto/rand"
	"sync"
	"time"
)

// sweepEvery is how often a Memory forgets what has expired.
const sweepEvery = time.Minute

// Memory is a Store of one process, which forgets all when it ends: for tests, and
// for effects that a restart may repeat. The zero value is ready; it is safe for
// many goroutines. A key takes about 200 bytes for as long as it is kept.
type Memory struct {
	mu    sync.Mutex
	keys  map[string]entry
	swept time.Time
}

type entry struct {
	token   string // "" once it is done
	expires time.Time
}

var _ Store = (*Memory)(nil)

// Begin implements Store.
func (m *Memory) Begin(_ context.Context, key string, hold time.Duration) (token string, state State, err error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	now := time.Now()
	m.sweep(now)
	e, found := m.keys[key]
	switch {
	case !found || !now.Before(e.expires):
		token = rand.Text()
		m.keys[key] = entry{token, now.Add(hold)}
		return token, Claimed, nil
	case e.token == "":
		return "", Done, nil
	default:
		return "", Held, nil
	}
}

// Commit implements Store.
func (m *Memory) Commit(_ context.Context, key string, keep time.Duration) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	now := time.Now()
	m.sweep(now)
	m.keys[key] = entry{"", now.Add(keep)}
	return nil
}

// Release implements Store.
func (m *Memory) Release(_ context.Context, key, token string) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if token != "" && m.keys[key].token == token {
		delete(m.keys, key)
	}
	return nil
}

// Claim implements Store.
func (m *Memory) Claim(ctx context.Context, key string, ttl time.Duration) (bool, error) {
	_, state, err := m.Begin(ctx, key, ttl)
	return state == Claimed, err
}

// sweep forgets what has expired, now and then.
func (m *Memory) sweep(now time.Time) {
	if m.keys == nil {
		m.keys = map[string]entry{}
	}
	if now.Sub(m.swept) < sweepEvery {
		return
	}
	m.swept = now
	for key, e := range m.keys {
		if !now.Before(e.expires) {
			delete(m.keys, key)
		}
	}
}
