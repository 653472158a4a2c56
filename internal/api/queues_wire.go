package api

import (
	"time"

	"github.com/postrider/postrider/internal/webhook"
)

type queuesWire struct {
	AsOf    time.Time         `json:"as_of" doc:"Redis's time of the look."`
	Queues  []queueWire       `json:"queues" doc:"Every queue there is."`
	Workers []queueWorkerWire `json:"workers" doc:"The processes that take tasks, as they said themselves within the last 10 seconds; some 200 at most."`
	Redis   *redisWire        `json:"redis" doc:"How full Redis is; null where it does not say, such as a cluster."`
}

type queueWire struct {
	Name      string `json:"name" enum:"deliver,bulk,retry" doc:"deliver has first attempts, retry what failed before and is tried again within the hour, bulk replays and bursts of workspaces that are far over their share."`
	Pending   int64  `json:"pending" doc:"Tasks that wait for a worker."`
	Active    int64  `json:"active" doc:"Tasks that a worker has taken."`
	Scheduled int64  `json:"scheduled" doc:"Tasks that wait for their time."`
	Retry     int64  `json:"retry" doc:"Tasks that ran, and wait for their time to run again."`
	LatencyMS int64  `json:"latency_ms" doc:"How long the oldest pending task has waited, in milliseconds; 0 when none is pending."`
}

type queueWorkerWire struct {
	Host      string           `json:"host" doc:"Its machine or container."`
	PID       int              `json:"pid" doc:"Its process."`
	StartedAt time.Time        `json:"started_at" doc:"Since when it runs."`
	Queues    []queueSlotsWire `json:"queues" doc:"What it takes tasks from."`
}

type queueSlotsWire struct {
	Name    string `json:"name" enum:"deliver,bulk,retry" doc:"The queue."`
	Running int    `json:"running" doc:"Tasks of it that run, as of the last 5 seconds."`
	Slots   int    `json:"slots" doc:"How many may run at once."`
}

type redisWire struct {
	Used   int64  `json:"used_bytes" doc:"Memory in use."`
	Limit  *int64 `json:"limit_bytes" doc:"Its maxmemory; null for none."`
	Policy string `json:"maxmemory_policy" doc:"What it does when it is full. Anything but noeviction throws tasks away." example:"noeviction"`
}

func renderQueues(q *webhook.Queues) queuesWire {
	out := queuesWire{AsOf: q.AsOf.UTC().Truncate(time.Millisecond), Queues: make([]queueWire, len(q.Queues)), Workers: make([]queueWorkerWire, len(q.Workers))}
	for i, l := range q.Queues {
		out.Queues[i] = queueWire{Name: l.Name, Pending: l.Pending, Active: l.Active, Scheduled: l.Scheduled, Retry: l.Retry}
		if !l.OldestPending.IsZero() { // its clock and Redis's may differ a little
			out.Queues[i].LatencyMS = max(0, q.AsOf.Sub(l.OldestPending).Milliseconds())
		}
	}
	for i, w := range q.Workers {
		out.Workers[i] = queueWorkerWire{Host: w.Host, PID: w.PID, StartedAt: w.Started, Queues: make([]queueSlotsWire, len(w.Lanes))}
		for j, l := range w.Lanes {
			out.Workers[i].Queues[j] = queueSlotsWire{l.Queue, l.Running, l.Slots}
		}
	}
	if m := q.Memory; m != nil {
		out.Redis = &redisWire{Used: m.Used, Policy: m.Policy}
		if m.Limit > 0 {
			out.Redis.Limit = &m.Limit
		}
	}
	return out
}
