package signature

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// Event is what a verified request brings, whatever the endpoint's format.
type Event struct {
	// ID is the same on every attempt and replay: the key to tell a repeated
	// delivery by. It is covered by the signature, except for the format "raw"
	// under SchemeBody.
	ID string
	// Type is "post.created" and the like. It is covered by the signature, except
	// for the format "raw".
	Type string
	// CreatedAt is when the producer says that it happened; the zero time with
	// the format "raw", which has none.
	CreatedAt time.Time
	// Data is the payload, a JSON object, byte for byte as it was published but
	// minified. See Decode.
	Data json.RawMessage
	// WorkspaceID is the tenant that published it, as text also where it is
	// digits only; "" with the format "raw", which has none.
	WorkspaceID string
	// DeliveryID names the event's way to this endpoint, and Attempt counts its
	// requests, from 1. No signature covers them: log them, but decide nothing by
	// them. "" and 0 if they are not there.
	DeliveryID string
	Attempt    int
}

// Decode returns the event's payload as a T.
func Decode[T any](e Event) (T, error) {
	var v T
	if err := json.Unmarshal(e.Data, &v); err != nil {
		return v, fmt.Errorf("decode event %s of type %s: %w", e.ID, e.Type, err)
	}
	return v, nil
}

type eventKey struct{}

// EventFrom returns the event that Middleware verified, for the context of the
// handler's request. It is false where there is no such middleware.
func EventFrom(ctx context.Context) (Event, bool) {
	e, ok := ctx.Value(eventKey{}).(Event)
	return e, ok
}

// newEvent reads the event of a request whose signatures are right.
func newEvent(header http.Header, s *signed, body []byte) (Event, error) {
	var members map[string]json.RawMessage
	if err := json.Unmarshal(body, &members); err != nil {
		return Event{}, fmt.Errorf("%w: %w", ErrMalformedEvent, err)
	}
	if members == nil {
		return Event{}, fmt.Errorf("%w: it is null", ErrMalformedEvent)
	}
	id := s.id
	if !s.standard {
		id = header.Get(HeaderID)
	}
	e, enveloped := unwrap(members)
	switch {
	case enveloped && (e.ID == id || id == ""):
	case enveloped && !s.standard:
		// Nobody signed the header: it must not pass an event off as another.
		return Event{}, fmt.Errorf("%w: %s is not the body's id", ErrHeaderChanged, HeaderID)
	case id == "":
		return Event{}, fmt.Errorf("%w: %s", ErrMissingHeader, HeaderID)
	default:
		e = Event{ID: id, Type: header.Get(HeaderEvent), Data: body}
	}
	e.DeliveryID = header.Get(HeaderDelivery)
	if n, err := strconv.Atoi(header.Get(HeaderAttempt)); err == nil && n > 0 {
		e.Attempt = n
	}
	return e, nil
}

// standardMembers are those of the format "standard", in the order in which they
// are written.
var standardMembers = []string{"id", "type", "created_at", "data", "workspace_id"}

// unwrap reads a body of the format "standard" or "cloudevents". It is false for
// any other: a payload alone.
func unwrap(members map[string]json.RawMessage) (e Event, ok bool) {
	created, workspace := members["created_at"], members["workspace_id"]
	data := members["data"]
	if hasExactly(members, standardMembers) {
		var wrapped map[string]json.RawMessage
		if json.Unmarshal(data, &wrapped) != nil || !hasExactly(wrapped, []string{"object"}) {
			return Event{}, false
		}
		data = wrapped["object"]
	} else if text(members["specversion"]) == "1.0" {
		created, workspace = members["time"], members["workspaceid"]
	}
	e = Event{ID: text(members["id"]), Type: text(members["type"]), Data: data, WorkspaceID: idText(workspace)}
	err := json.Unmarshal(created, &e.CreatedAt)
	return e, err == nil && e.ID != "" && e.Type != "" && e.WorkspaceID != "" && len(data) > 0
}

func hasExactly(members map[string]json.RawMessage, names []string) bool {
	for _, name := range names {
		if _, ok := members[name]; !ok {
			return false
		}
	}
	return len(members) == len(names)
}

// text is a JSON string's; "" for anything else.
func text(raw json.RawMessage) (s string) {
	if json.Unmarshal(raw, &s) != nil {
		return ""
	}
	return s
}

// idText is a workspace id's, which is a JSON number where it is digits only.
func idText(raw json.RawMessage) string {
	if len(raw) > 0 && strings.Trim(string(raw), "0123456789") == "" {
		return string(raw)
	}
	return text(raw)
}
