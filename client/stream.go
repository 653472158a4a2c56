package client

import (
	"context"
	"encoding/json"
	"iter"
	"net/url"
	"strings"
	"time"
)

// StreamKind is a kind of what a stream shows.
type StreamKind string

// Every kind.
const (
	StreamEvents   StreamKind = "event"
	StreamAttempts StreamKind = "attempt"
)

// StreamEvent is an event that was accepted.
type StreamEvent struct {
	// ID is as in X-Webhook-ID.
	ID        string    `json:"id"`
	Type      string    `json:"type"`
	CreatedAt time.Time `json:"created_at"`
	// AcceptedAt is what a stream's Since goes by.
	AcceptedAt time.Time `json:"accepted_at"`
	// DeliverAt is nil where the event is to be delivered at once.
	DeliverAt *time.Time `json:"deliver_at"`
	// Payload is what the body of its requests is; null once it is no longer kept.
	Payload json.RawMessage `json:"payload"`
}

// StreamAttempt is an attempt that was recorded.
type StreamAttempt struct {
	ID         string `json:"id"`
	DeliveryID string `json:"delivery_id"`
	EndpointID string `json:"endpoint_id"`
	// EventID and Type are of what it carried.
	EventID string `json:"event_id"`
	Type    string `json:"type"`
	// Number is from 1.
	Number     int       `json:"number"`
	StartedAt  time.Time `json:"started_at"`
	DurationMS int64     `json:"duration_ms"`
	// StatusCode is nil where no answer came, Error and ErrorClass for a success.
	StatusCode *int        `json:"status_code"`
	Error      *string     `json:"error"`
	ErrorClass *ErrorClass `json:"error_class"`
	// Status is the delivery's from then on; nil where this attempt did not decide it.
	Status *DeliveryStatus `json:"status"`
	// NextAttemptAt is about when a pending one is tried again; nil for any other.
	NextAttemptAt *time.Time `json:"next_attempt_at"`
}

// StreamGap says that attempts were left out.
type StreamGap struct {
	// LeftOut is nil where nobody knows how many.
	LeftOut *int `json:"left_out"`
}

// StreamMessage is one thing that a stream shows: what is not nil. One with nothing
// says that the stream is there: the first does, and one every 15 s in which nothing
// happened.
type StreamMessage struct {
	Event   *StreamEvent
	Attempt *StreamAttempt
	Gap     *StreamGap
	// Position is where a stream goes on that begins after this message; empty in one
	// without events.
	Position string
}

// StreamOptions choose what a stream shows.
type StreamOptions struct {
	// Kinds default to both.
	Kinds []StreamKind
	// Types are event types, or prefixes such as post.*. Default all.
	Types []string
	// Endpoint's attempts are shown only, and the events that it wants. Default all.
	Endpoint string
	// Format is what events' payloads are. Default the endpoint's, or standard.
	Format Format
	// Since is a time of acceptance that events are shown from. Default: those to come.
	Since time.Time
	// Position is that of a message, to go on after it; it comes before Since.
	Position string
	// Retrying is told each time that the stream has broken off, and why; it is opened
	// again then. Default nobody is.
	Retrying func(error)
}

func (o *StreamOptions) query() query {
	kinds := make([]string, len(o.Kinds))
	for i, k := range o.Kinds {
		kinds[i] = string(k)
	}
	return query{}.text("kinds", strings.Join(kinds, ",")).text("types", strings.Join(o.Types, ",")).
		text("endpoint", o.Endpoint).text("format", string(o.Format)).time("since", o.Since)
}

func (o *StreamOptions) attempts() bool {
	for _, k := range o.Kinds {
		if k == StreamAttempts {
			return true
		}
	}
	return len(o.Kinds) == 0
}

// Stream shows a workspace's events and attempts as they happen, until ctx ends or the
// loop does. Before it has begun it is tried as often as any call; from then on, for as
// long as it takes, it is opened again when it breaks off: no event is lost by that,
// however long it took, and one that came before is left out among the last 8192.
// Attempts that are missed meanwhile are a gap. The loop's body may take its time: events
// wait, and attempts that don't are a gap, too. The last turn has an error: ctx's, or the
// API's that says why there is no stream, such as a key that was revoked.
func (c *Client) Stream(ctx context.Context, o StreamOptions) iter.Seq2[StreamMessage, error] {
	return func(yield func(StreamMessage, error) bool) {
		s := streaming{c: c, o: &o, yield: yield, position: o.Position}
		if err := s.run(ctx); err != nil {
			yield(StreamMessage{}, err)
		}
	}
}

func (o *StreamOptions) call() *call {
	return &call{op: "openStream", method: "GET", path: "/v1/stream", query: url.Values(o.query())}
}
