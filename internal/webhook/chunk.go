package webhook

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
