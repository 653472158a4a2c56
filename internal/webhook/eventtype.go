package webhook

import (
	"encoding/json"
	"time"
)

// Validation is what becomes of an event whose data its type's schema refuses.
type Validation string

// off asks no schema; warn accepts the event and says what is wrong; reject
// refuses it.
const (
	ValidationOff    Validation = "off"
	ValidationWarn   Validation = "warn"
	ValidationReject Validation = "reject"
)

// MaxEventTypes bounds a workspace's catalogue.
const MaxEventTypes = 1000

// EventType is an entry of a workspace's catalogue.
type EventType struct {
	WorkspaceID WorkspaceID
	Name        string
	// ID orders lists; it stays when the entry is replaced.
	ID          ID
	Description string
	// Schema is JSON Schema 2020-12 as the user gave it, or nil for none.
	Schema json.RawMessage
	// Example is an event's data, or nil for none.
	Example    json.RawMessage
	Validation Validation
	// Version is the workspace's at the last change.
	Version   int64
	UpdatedAt time.Time
}

// CreatedAt is when the entry came to be.
func (t *EventType) CreatedAt() time.Time { return t.ID.Time() }

// Versions say whether a copy of what belongs to a workspace is stale.
type Versions struct {
	Endpoints int64
	// Types is 0 where there never was an event type.
	Types int64
}

// TypeRule says what is done with events of one type. Version is its schema's.
type TypeRule struct {
	Validation Validation
	Version    int64
}

// TypeSchema is a type's schema and its version.
type TypeSchema struct {
	Version int64
	Schema  json.RawMessage
}
