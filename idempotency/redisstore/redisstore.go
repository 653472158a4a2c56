// Package redisstore is an idempotency.Store in Redis, for receivers of several
// processes. What Redis loses, by a restart without persistence or by evicting
// keys, is forgotten: then an event that comes again is handled again.
package redisstore

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/postrider/postrider/idempotency"
)

// DefaultPrefix is what keys in Redis begin with.
const DefaultPrefix = "postrider:received:"

// Config says how keys are kept; its zero value is ready.
type Config struct {
	// Prefix is what keys in Redis begin with, up to 128 bytes; "" means DefaultPrefix.
	Prefix string
}

// Store is an idempotency.Store in Redis 6.2 or later, or in a cluster. It is
// safe for many goroutines.
type Store struct {
	client redis.Cmdable
	prefix string
}

var _ idempotency.Store = (*Store)(nil)

// New makes a Store on a client, which stays the caller's to close.
func New(client redis.Cmdable, cfg Config) *Store {
	if cfg.Prefix == "" {
		cfg.Prefix = DefaultPrefix
	}
	return &Store{client: client, prefix: cfg.Prefix}
}

// A key's value is done once somebody was done with it; until then held and the
// token of who claimed it.
const (
	done = "done"
	held = "held:"
)

// begin claims a key.
//
// KEYS[1]: the key. ARGV[1]: its value. ARGV[2]: for how long, in milliseconds.
// Returns the key's value from before; nil if it was free and is claimed now.
var begin = redis.NewScript(`
local value = redis.call('GET', KEYS[1])
if not value then
  redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
end
return value
`)

// release frees a key if it is claimed by this token.
//
// KEYS[1]: the key. ARGV[1]: its value. Returns how many keys were freed.
var release = redis.NewScript(`
if redis.call('GET', KEYS[1]) == ARGV[1] then
  return redis.call('DEL', KEYS[1])
end
return 0
`)

// Begin implements idempotency.Store.
func (s *Store) Begin(ctx context.Context, key string, hold time.Duration) (string, idempotency.State, error) {
	return s.begin(ctx, key, rand.Text(), hold)
}

func (s *Store) begin(ctx context.Context, key, token string, hold time.Duration) (string, idempotency.State, error) {
	value, err := begin.Run(ctx, s.client, []string{s.prefix + key}, held+token, hold.Milliseconds()).Text()
	switch {
	// Its own token is one whose answer got lost: the client has asked again.
	case errors.Is(err, redis.Nil), err == nil && value == held+token:
		return token, idempotency.Claimed, nil
	case err != nil:
		return "", 0, fmt.Errorf("claim %s in redis: %w", key, err)
	case value == done:
		return "", idempotency.Done, nil
	default:
		return "", idempotency.Held, nil
	}
}

// Commit implements idempotency.Store.
func (s *Store) Commit(ctx context.Context, key string, keep time.Duration) error {
	if err := s.client.Set(ctx, s.prefix+key, done, keep).Err(); err != nil {
		return fmt.Errorf("mark %s as done in redis: %w", key, err)
	}
	return nil
}

// Release implements idempotency.Store.
func (s *Store) Release(ctx context.Context, key, token string) error {
	if err := release.Run(ctx, s.client, []string{s.prefix + key}, held+token).Err(); err != nil {
		return fmt.Errorf("release %s in redis: %w", key, err)
	}
	return nil
}

// Claim implements idempotency.Store.
func (s *Store) Claim(ctx context.Context, key string, ttl time.Duration) (bool, error) {
	_, state, err := s.Begin(ctx, key, ttl)
	return state == idempotency.Claimed, err
}
