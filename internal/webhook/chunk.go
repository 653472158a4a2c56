package webhook

import "time"

// Lane is the queue that a task waits in. Each has workers of its own, so
// retries never starve first attempts and replays never live traffic.
type Lane byte

// The three lanes.
const (
	LaneDeliver Lane = 'c' // first attempts
	LaneBulk    Lane = 'b' // replays, and workspaces far over their share
	LaneRetry   Lane = 'r' // everything that was tried before
)

// Lanes lists every lane.
func Lanes() []Lane { return []Lane{LaneDeliver, LaneBulk, LaneRetry} }

// WorkerTaskPrefix starts the task of a delivery that a worker holds in memory:
// its task in Redis is done, its request still runs.
const WorkerTaskPrefix = "w_"

// NewTask returns the id of a task that has not existed before. The first
// letter is its lane, so that who finds it on a row knows where to look.
func NewTask(lane Lane, t time.Time) string { return string(lane) + "_" + NewID(t).String() }

// LaneOf is the lane of a task in Redis; false for a worker's.
func LaneOf(task string) (Lane, bool) {
	if len(task) < 2 || task[1] != '_' {
		return 0, false
	}
	switch lane := Lane(task[0]); lane {
	case LaneDeliver, LaneBulk, LaneRetry:
		return lane, true
	}
	return 0, false
}

// MaxChunkMembers and MaxChunkBytes bound a chunk: larger ones were slower, and
// asynq rewrites active tasks, payload included, every few seconds.
const (
	MaxChunkMembers = 50
	MaxChunkBytes   = 64 << 10
	// MaxCarriedBytes of a body travel in a chunk; a larger one is read from Postgres.
	MaxCarriedBytes = 8 << 10
)

// Chunk is what one task carries: up to MaxChunkMembers deliveries, and the
// bodies of their events where they are at hand and small.
type Chunk struct {
	Task    string
	Members []Member
	// Events holds carried events by id; a member whose event is missing here
	// has its body read from Postgres.
	Events []CarriedEvent
}

// Member is one delivery of a chunk.
type Member struct {
	DeliveryID  ID
	EndpointID  ID
	EventID     ID
	WorkspaceID WorkspaceID
}

// CarriedEvent is the part of an event that a request needs.
type CarriedEvent struct {
	ID       ID
	PublicID string
	Type     string
	Body     []byte
	// Trace is the publisher's, or none.
	Trace Trace
}
