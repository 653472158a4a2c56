package queue

import (
	"context"
	"errors"
	"strings"
	"sync"
	"time"

	"github.com/redis/go-redis/v9"
)

// Who enqueues rings a bell beside the queue, a list of as many tokens as there are new
// tasks, and a worker that found nothing waits for one: asynq knows no other way than
// to ask again and again. Each token wakes one worker, whoever waited longest. A bell
// that is not rung costs bellPatience, and up to as much again where Redis is idle and
// looks for who waited long enough ten times a second: tasks that came due, those of a process
// that was killed before it rang, and those of the release before that does not.
const (
	bellPatience = 100 * time.Millisecond
	// bellTimeout is for a Redis that does not answer: who stops waits for it.
	bellTimeout = time.Second
	// bellTokens bounds the list while nobody waits: each costs a worker a look.
	bellTokens = 64
	// afterNothing is how long asynq waits by itself before it asks again.
	afterNothing = time.Millisecond
)

func bellOf(queue string) string { return "postrider:bell:{" + queue + "}" }

// ring is forgotten a minute later: nobody serves the queue.
var ring = redis.NewScript(`
local n = math.min(tonumber(ARGV[1]), tonumber(ARGV[2]) - redis.call("LLEN", KEYS[1]))
for _ = 1, n do redis.call("LPUSH", KEYS[1], 1) end
if n > 0 then redis.call("EXPIRE", KEYS[1], 60) end
return n`)

// rings tells of new tasks. That it failed is no error: they are found without.
func (c *Client) rings(ctx context.Context, q shard, tasks int) {
	_ = ring.Run(ctx, c.redis.client, []string{bellOf(q.name())}, tasks, bellTokens).Err()
}

// bells keeps asynq's servers from asking for tasks where they found none a moment ago.
type bells struct {
	client redis.UniversalClient

	mu    sync.Mutex
	empty map[string]bool // by name; queues that have a bell only
}

func newBells(client redis.UniversalClient, own []shard) *bells {
	b := &bells{client: client, empty: make(map[string]bool, len(own))}
	for _, q := range own {
		b.empty[q.name()] = false
	}
	return b
}

// queueOf is the queue of one of asynq's keys, which is its hash tag.
func queueOf(key any) string {
	s, _ := key.(string)
	_, s, _ = strings.Cut(s, "{")
	name, _, _ := strings.Cut(s, "}")
	return name
}

// wait returns once there may be something in the queue: at once unless it was found empty.
func (b *bells) wait(ctx context.Context, queue string) {
	b.mu.Lock()
	empty := b.empty[queue]
	b.mu.Unlock()
	if !empty {
		return
	}
	asked, cancel := context.WithTimeout(ctx, bellTimeout)
	defer cancel()
	err := b.client.Do(asked, "blpop", bellOf(queue), bellPatience.Seconds()).Err()
	if err != nil && !errors.Is(err, redis.Nil) {
		wait(ctx, bellPatience)
	}
}

// found notes whether there was a task.
func (b *bells) found(queue string, something bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if _, known := b.empty[queue]; known {
		b.empty[queue] = !something
	}
}
