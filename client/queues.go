package client

import (
	"context"
	"time"
)

// Queues is what waits in Redis, of the whole deployment, in tasks: one carries up to
// 50 first attempts of deliveries, or one retry.
type Queues struct {
	// AsOf is Redis's time of the look.
	AsOf    time.Time     `json:"as_of"`
	Queues  []QueueState  `json:"queues"`
	Workers []QueueWorker `json:"workers"`
	// Redis is nil where it does not say, such as a cluster.
	Redis *RedisMemory `json:"redis"`
}

// QueueName is a queue's.
type QueueName string

// Every queue.
const (
	QueueDeliver QueueName = "deliver" // first attempts
	QueueBulk    QueueName = "bulk"    // replays, and bursts of workspaces far over their share
	QueueRetry   QueueName = "retry"   // what failed before and is tried again within the hour
)

// QueueState is a queue with its tasks by state.
type QueueState struct {
	Name QueueName `json:"name"`
	// Pending tasks wait for a worker, active ones run.
	Pending int64 `json:"pending"`
	Active  int64 `json:"active"`
	// Scheduled and retry tasks wait for their time.
	Scheduled int64 `json:"scheduled"`
	Retry     int64 `json:"retry"`
	// LatencyMS is how long the oldest pending task has waited.
	LatencyMS int64 `json:"latency_ms"`
}

// QueueWorker is a process that takes tasks.
type QueueWorker struct {
	Host      string       `json:"host"`
	PID       int          `json:"pid"`
	StartedAt time.Time    `json:"started_at"`
	Queues    []QueueSlots `json:"queues"`
}

// QueueSlots is how much of a queue a worker runs, and may run at once.
type QueueSlots struct {
	Name    QueueName `json:"name"`
	Running int       `json:"running"`
	Slots   int       `json:"slots"`
}

// RedisMemory is how full Redis is.
type RedisMemory struct {
	UsedBytes int64 `json:"used_bytes"`
	// LimitBytes is nil for none.
	LimitBytes *int64 `json:"limit_bytes"`
	// MaxmemoryPolicy should be noeviction: any other throws tasks away.
	MaxmemoryPolicy string `json:"maxmemory_policy"`
}

// QueuesService is about the queues in Redis. It needs the admin key.
type QueuesService struct{ service }

// Get looks at them. It fails with [CodeUnavailable] while Redis is away.
func (s *QueuesService) Get(ctx context.Context) (Queues, error) {
	return do[Queues](ctx, s.c, &call{op: "getQueues", method: "GET", path: "/v1/queues", plain: true})
}
