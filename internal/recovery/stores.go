package recovery

import (
	"context"
	"time"

	"github.com/postrider/postrider/internal/recovery/parking"
	"github.com/postrider/postrider/internal/recovery/turns"
	"github.com/postrider/postrider/internal/webhook"
)

// Postgres is the truth, a store for each service.
type Postgres struct {
	Leases     LeaseStore
	Feed       FeedStore
	Audit      AuditStore
	Parked     ParkedStore
	Partitions PartitionStore
	Retention  RetentionStore
	Upkeep     UpkeepStore
	Replays    ReplayStore
	Ordering   OrderingStore
}

// Redis is the alarm clock.
type Redis struct {
	Queue  Queue
	Tasks  Tasks
	Memory Memory
}

// LeaseStore keeps who leads.
type LeaseStore interface {
	// Acquire takes or renews the lease for ttl. held is false while somebody
	// else has it; epoch counts the changes of holder.
	Acquire(ctx context.Context, name, holder string, ttl time.Duration) (epoch int64, held bool, err error)
	// Release lets it go, if holder has it.
	Release(ctx context.Context, name, holder string) error
}

// FeedStore hands due deliveries out.
type FeedStore interface {
	// Claim gives a round of due deliveries that nobody holds to new tasks, and
	// commits that. now is the tasks' time; more, that another round is worth it.
	Claim(ctx context.Context, room turns.Room, now time.Time) (chunks []webhook.Chunk, more bool, err error)
	// Release takes them back, where the task is still that.
	Release(ctx context.Context, chunks []webhook.Chunk) error
}

// AuditStore reads what tasks hold, and takes it back.
type AuditStore interface {
	WorkerStore
	// Clock is Postgres's time.
	Clock(ctx context.Context) (time.Time, error)
	// Held returns a page of what is held and due in (after, until], by task, and
	// the due time to go on after; zero at the end. A zero until is no end: then
	// what is due by the time of reading is left out.
	Held(ctx context.Context, after, until time.Time, limit int) (held []webhook.Chunk, last time.Time, err error)
	// DeadWorkers returns which workers' tasks have no living worker.
	DeadWorkers(ctx context.Context, tasks []string) ([]string, error)
	Release(ctx context.Context, chunks []webhook.Chunk) error
}

// WorkerStore reads what workers hold under their own names.
type WorkerStore interface {
	// Heartbeats is when each worker's task gave its last sign of life.
	Heartbeats(ctx context.Context) (map[string]int64, error)
	// HeldBy returns up to limit deliveries that these workers' tasks hold.
	HeldBy(ctx context.Context, tasks []string, limit int) ([]webhook.Chunk, error)
}

// ParkedStore goes through the endpoints with parked deliveries.
type ParkedStore interface {
	// Next does with the endpoint whose check is the most overdue what decide says.
	Next(ctx context.Context, decide func(parking.State) parking.Verdict) (parking.Outcome, error)
}

// PartitionStore makes days.
type PartitionStore interface {
	// EnsurePartitions makes what is missing of days days from from's on.
	EnsurePartitions(ctx context.Context, from time.Time, days int) error
	// PartitionDays returns the days that are complete, oldest first.
	PartitionDays(ctx context.Context) ([]time.Time, error)
}

// RetentionStore ends days.
type RetentionStore interface {
	// Days returns every day of which anything is left, oldest first.
	Days(ctx context.Context) ([]time.Time, error)
	// Expire fails what is still pending of the day and returns how many.
	Expire(ctx context.Context, day time.Time) (int, error)
	// DropBodies removes the bodies of the day's events, once.
	DropBodies(ctx context.Context, day time.Time) error
	// DropDay drops the day; it fails while something is pending in it.
	DropDay(ctx context.Context, day time.Time) error
}

// UpkeepStore does the small chores.
type UpkeepStore interface {
	// RemoveDeadWorkers forgets workers that are gone for an hour.
	RemoveDeadWorkers(ctx context.Context) (int, error)
	// ForgetEnded forgets how endpoints failed that are deleted or disabled.
	ForgetEnded(ctx context.Context) (int, error)
	// DisableFailing disables endpoints that fail for that long, and failed that
	// often in a row.
	DisableFailing(ctx context.Context, after time.Duration, failures int, reason string) ([]webhook.ID, error)
	// OldestDue is how long the oldest due delivery waits, without a task and with one.
	OldestDue(ctx context.Context) (unheld, held time.Duration, err error)
}

// ReplayStore makes replays' deliveries.
type ReplayStore interface {
	// Unfinished returns up to limit replays that are not over, the oldest first.
	Unfinished(ctx context.Context, limit int) ([]webhook.ID, error)
	// Step makes the replay's next deliveries, together with its position, and
	// returns how many.
	Step(ctx context.Context, id webhook.ID, wants func(*webhook.Endpoint) (webhook.Wants, error)) (int, error)
	// RemoveEnded forgets replays that ended and are older than before.
	RemoveEnded(ctx context.Context, before time.Time) error
}

// OrderingStore looks after the lines of ordering keys.
type OrderingStore interface {
	// Sweep looks at up to limit lines after the one given, in order: it passes turns
	// on that nobody has, and forgets idle lines. last is nothing at the end.
	Sweep(ctx context.Context, after webhook.Line, limit int) (webhook.Swept, error)
}

// Lanes says how much waits in Redis.
type Lanes interface {
	// Waiting is how many tasks wait in each lane.
	Waiting(ctx context.Context) (map[webhook.Lane]int, error)
}

// Queue puts tasks into Redis.
type Queue interface {
	// Enqueue makes a task of each chunk. With an error it returns those that are not
	// known to be there.
	Enqueue(ctx context.Context, chunks []webhook.Chunk) (left []webhook.Chunk, err error)
	Lanes
}

// Tasks knows which tasks will run.
type Tasks interface {
	// Dead returns those that never will.
	Dead(ctx context.Context, tasks []string) ([]string, error)
	// Forget removes what is left of those that are dead; the living stay.
	Forget(ctx context.Context, tasks []string) error
	// Leases is when the lease of each task that a worker runs ends. They move for
	// as long as the worker lives.
	Leases(ctx context.Context) (map[string]int64, error)
	// Running returns what those of the tasks carry that are with a worker.
	Running(ctx context.Context, tasks []string) ([]webhook.Chunk, error)
}

// Memory tells whether Redis still knows what it was told.
type Memory interface {
	// Tick writes value and returns what was there before.
	Tick(ctx context.Context, value int64) (previous int64, found bool, err error)
}
