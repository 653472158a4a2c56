package webhook

import (
	"bytes"
	"encoding/json"
	"strings"
	"time"
)

// Event is one thing that happened: a type and a payload, accepted once.
type Event struct {
	ID ID
	// ExternalID is the caller's own id, or empty.
	ExternalID  string
	WorkspaceID WorkspaceID
	Type        string
	// CreatedAt is the producer's word and part of the payload only. Lists and
	// ranges go by the time of acceptance, which is ID.Time().
	CreatedAt time.Time
	// Body holds the bytes that are signed and sent, serialised once.
	Body []byte
	// Deliveries is how many endpoints matched when the event was accepted.
	Deliveries int
	Options
	// Trace is its publisher's, if what becomes of it is to be recorded there.
	Trace Trace
}

// Given reports whether it has anything that few events have.
func (e *Event) Given() bool { return e.Options.Given() || !e.Trace.IsZero() }

// PublicID is the id that clients and receivers see: the caller's own, else ours.
func (e *Event) PublicID() string {
	if e.ExternalID != "" {
		return e.ExternalID
	}
	return e.ID.Format(EventPrefix)
}

// MaxEventBytes bounds one event's request, MaxBatchBytes and MaxBatchEvents a batch.
const (
	MaxEventBytes  = 1 << 20
	MaxBatchBytes  = 10 << 20
	MaxBatchEvents = 1000
	// MaxTypeBytes bounds an event type.
	MaxTypeBytes = 256
)

// ValidEventID reports whether a caller may give an event this id.
func ValidEventID(s string) bool { return isName(s, 128) }

// TestEventType is what a request that is no event's carries as its type.
const TestEventType = "webhook.test"

// ValidEventType reports whether s is dot-separated words of A-Za-z0-9_-, at
// most 256 characters.
func ValidEventType(s string) bool {
	if len(s) == 0 || len(s) > MaxTypeBytes {
		return false
	}
	for word := range strings.SplitSeq(s, ".") {
		if !isName(word, MaxTypeBytes) {
			return false
		}
	}
	return true
}

// ValidPattern reports whether s can stand in an endpoint's events: a type, a
// prefix such as "post.*", or "*".
func ValidPattern(s string) bool {
	if s == "*" {
		return true
	}
	if prefix, ok := strings.CutSuffix(s, ".*"); ok {
		return ValidEventType(prefix)
	}
	return ValidEventType(s)
}

// EncodeBody serialises the body that receivers get, once and for all: minified,
// no HTML escaping, the producer's own key order and number spelling kept.
// data is the producer's object and must already be minified valid JSON.
func EncodeBody(publicID, eventType string, createdAt time.Time, data json.RawMessage, ws WorkspaceID) []byte {
	// Ids and types hold no character that JSON would escape.
	b := make([]byte, 0, len(data)+len(publicID)+len(eventType)+128)
	b = append(b, `{"id":"`...)
	b = append(b, publicID...)
	b = append(b, `","type":"`...)
	b = append(b, eventType...)
	b = append(b, `","created_at":"`...)
	b = createdAt.UTC().AppendFormat(b, time.RFC3339Nano)
	b = append(b, `","data":{"object":`...)
	b = append(b, data...)
	b = append(b, `},"workspace_id":`...)
	b = ws.AppendJSON(b)
	return append(b, '}')
}

const bodyDataKey = `","data":{"object":`

// DataOf cuts the producer's object out of a body that EncodeBody wrote.
func DataOf(body []byte, ws WorkspaceID) json.RawMessage {
	// Everything before data is of our own making and holds no quote inside a
	// value, so the first occurrence of the key is the real one.
	start := bytes.Index(body[:min(len(body), 1024)], []byte(bodyDataKey))
	tail := len(`},"workspace_id":}`) + len(ws.AppendJSON(nil))
	if start < 0 || len(body)-tail < start+len(bodyDataKey) {
		return nil
	}
	return json.RawMessage(body[start+len(bodyDataKey) : len(body)-tail])
}
