package client

import (
	"context"
	"encoding/json"
	"iter"
	"time"
)

// EventTypeInput is an event type of the catalogue, whole: what is left out has its
// default.
type EventTypeInput struct {
	Description string `json:"description,omitempty"`
	// Schema is JSON Schema 2020-12 for the event's data, at most 64 KiB.
	Schema any `json:"schema,omitempty"`
	// Validation needs a schema, unless it is off, the default.
	Validation Validation `json:"validation,omitempty"`
	// Example is an event's data; it has to satisfy the schema.
	Example any `json:"example,omitempty"`
}

// Validation is what becomes of an event whose data the schema refuses.
type Validation string

// Nothing; it is accepted with warnings; it is refused.
const (
	ValidationOff    Validation = "off"
	ValidationWarn   Validation = "warn"
	ValidationReject Validation = "reject"
)

// EventType is one of the catalogue.
type EventType struct {
	Name        string      `json:"name"`
	WorkspaceID WorkspaceID `json:"workspace_id"`
	Description string      `json:"description"`
	// Schema and Example are null where there is none.
	Schema     json.RawMessage `json:"schema"`
	Validation Validation      `json:"validation"`
	Example    json.RawMessage `json:"example"`
	CreatedAt  time.Time       `json:"created_at"`
	UpdatedAt  time.Time       `json:"updated_at"`
}

// EventTypeTemplate is an event type to start from.
type EventTypeTemplate struct {
	Name        string          `json:"name"`
	Description string          `json:"description"`
	Schema      json.RawMessage `json:"schema"`
	Validation  Validation      `json:"validation"`
	Example     json.RawMessage `json:"example"`
}

// EventTypesService is about the catalogue of event types.
type EventTypesService struct{ service }

// List is one page of event types. One with large schemas may end before its limit.
func (s *EventTypesService) List(ctx context.Context, o ListOptions) (Page[EventType], error) {
	return list[EventType](ctx, s.c, "listEventTypes", "/v1/event-types", o.query())
}

// All goes through all pages of List.
func (s *EventTypesService) All(ctx context.Context, o ListOptions) iter.Seq2[EventType, error] {
	return all(o.Cursor, func(cursor string) (Page[EventType], error) {
		o.Cursor = cursor
		return s.List(ctx, o)
	})
}

// Get is an event type.
func (s *EventTypesService) Get(ctx context.Context, name string) (EventType, error) {
	return do[EventType](ctx, s.c, &call{op: "getEventType", method: "GET", path: "/v1/event-types/{}", ids: []string{name}})
}

// Put creates an event type or replaces it whole.
func (s *EventTypesService) Put(ctx context.Context, name string, in EventTypeInput) (EventType, error) {
	return do[EventType](ctx, s.c, &call{op: "putEventType", method: "PUT", path: "/v1/event-types/{}", ids: []string{name}, body: in})
}

// Delete deletes an event type. Its events are published as before, but held against
// nothing.
func (s *EventTypesService) Delete(ctx context.Context, name string) error {
	return remove(ctx, s.c, &call{op: "deleteEventType", method: "DELETE", path: "/v1/event-types/{}", ids: []string{name}})
}

// Templates are the event types that most resources have, for a resource such as
// "post". Nothing is stored; Put does that.
func (s *EventTypesService) Templates(ctx context.Context, resource string) ([]EventTypeTemplate, error) {
	q := query{}.text("resource", resource)
	page, err := list[EventTypeTemplate](ctx, s.c, "listEventTypeTemplates", "/v1/event-type-templates", q)
	return page.Data, err
}
