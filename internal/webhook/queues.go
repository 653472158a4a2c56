package webhook

import "time"

// Queues is the alarm clock at one moment: what waits in Redis, and who takes it.
// Everything is of the whole deployment, and counts tasks: one carries up to
// MaxChunkMembers first attempts, or one retry.
type Queues struct {
	AsOf    time.Time
	Queues  []Queue // in the order of Lanes
	Workers []QueueWorker
	// Memory is Redis's; nil where it does not say, such as a cluster.
	Memory *QueueMemory
}

// Queue is a lane with its tasks by state.
type Queue struct {
	Name string
	// Pending wait for a worker, Active run, Scheduled and Retry wait for their time.
	Pending, Active, Scheduled, Retry int64
	// OldestPending is when the task that waits longest began to; zero where none does.
	OldestPending time.Time
}

// QueueWorker is a process that takes tasks.
type QueueWorker struct {
	Host    string
	PID     int
	Started time.Time
	Lanes   []QueueSlots
}

// QueueSlots is how much of a lane a worker runs, and may run at once.
type QueueSlots struct {
	Queue          string
	Running, Slots int
}

// QueueMemory is how full Redis is, in bytes.
type QueueMemory struct {
	Used  int64
	Limit int64 // 0 is none
	// Policy is what Redis does when it is full: with any other than noeviction it
	// throws tasks away.
	Policy string
}
