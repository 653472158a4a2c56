package client

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"net/http"
	"time"
)

// Dispatcher publishes events. [Client] is one, and so is the fake of package
// hooktest: take this where you publish.
type Dispatcher interface {
	// Dispatch publishes an event whose payload is anything that marshals to a JSON
	// object.
	Dispatch(ctx context.Context, eventType string, payload any, options ...DispatchOption) (Accepted, error)
}

var _ Dispatcher = (*Client)(nil)

// Dispatch publishes an event. Without an error, it and its deliveries are
// committed; what receivers answer is another matter, see [WithWait].
func (c *Client) Dispatch(ctx context.Context, eventType string, payload any, options ...DispatchOption) (Accepted, error) {
	return c.Events.Publish(ctx, newEvent(eventType, payload, options))
}

// DispatchBatch publishes 1 to 1000 events in one request, all or none, and answers
// for each in order. Of one that is refused the error's pointer names the place,
// such as /events/3/type.
func (c *Client) DispatchBatch(ctx context.Context, events []NewEvent) ([]Accepted, error) {
	return c.Events.PublishBatch(ctx, events)
}

// maxWait is how many seconds the API lets a publisher wait.
const maxWait = 10

// EventsService is about events.
type EventsService struct{ service }

// Publish publishes an event.
func (s *EventsService) Publish(ctx context.Context, e NewEvent) (Accepted, error) {
	payload, err := e.Payload()
	if err != nil {
		return Accepted{}, err
	}
	e.Data = payload
	extra := time.Duration(max(0, min(e.Wait, maxWait)) * float64(time.Second))
	var status int
	accepted, err := do[Accepted](ctx, s.c, &call{op: "publishEvent", method: "POST", path: "/v1/events", body: e, extra: extra, status: &status})
	accepted.Known = status == http.StatusOK
	return accepted, err
}

// publishedBatch is the answer to a batch.
type publishedBatch struct {
	Data []Accepted `json:"data"`
}

// newBatch is the request of one.
type newBatch struct {
	Events []json.RawMessage `json:"events"`
}

// PublishBatch publishes 1 to 1000 events, all or none; see [Client.DispatchBatch].
func (s *EventsService) PublishBatch(ctx context.Context, events []NewEvent) ([]Accepted, error) {
	batch := newBatch{make([]json.RawMessage, len(events))}
	for i, e := range events {
		raw, err := encodeEvent(e)
		if err != nil {
			return nil, fmt.Errorf("client: event %d of the batch: %w", i, err)
		}
		batch.Events[i] = raw
	}
	return s.publishEncoded(ctx, batch)
}

func encodeEvent(e NewEvent) (json.RawMessage, error) {
	payload, err := e.Payload()
	if err != nil {
		return nil, err
	}
	e.Data = payload
	return encode(e)
}

func (s *EventsService) publishEncoded(ctx context.Context, batch newBatch) ([]Accepted, error) {
	out, err := do[publishedBatch](ctx, s.c, &call{op: "publishEvents", method: "POST", path: "/v1/events/batch", body: batch})
	if err == nil && len(out.Data) != len(batch.Events) {
		err = errors.New("client: publishEvents: the answer has not one entry for each event")
	}
	return out.Data, err
}

// EventFilter narrows a list of events.
type EventFilter struct {
	// Type is one event type, exactly.
	Type string
	// Since and Until are times of acceptance, the first included.
	Since, Until time.Time
	// Limit and Cursor are as in [ListOptions].
	Limit  int
	Cursor string
}

func (f EventFilter) query() query {
	return query{}.text("type", f.Type).time("since", f.Since).time("until", f.Until).page(f.Limit, f.Cursor)
}

// List is one page of events, newest first.
func (s *EventsService) List(ctx context.Context, f EventFilter) (Page[Event], error) {
	return list[Event](ctx, s.c, "listEvents", "/v1/events", f.query())
}

// All goes through all pages of List.
func (s *EventsService) All(ctx context.Context, f EventFilter) iter.Seq2[Event, error] {
	return all(f.Cursor, func(cursor string) (Page[Event], error) {
		f.Cursor = cursor
		return s.List(ctx, f)
	})
}

// Get is an event, by your own id or the generated one.
func (s *EventsService) Get(ctx context.Context, id string) (Event, error) {
	return do[Event](ctx, s.c, &call{op: "getEvent", method: "GET", path: "/v1/events/{}", ids: []string{id}})
}

// EventDeliveryFilter narrows the list of an event's or endpoint's deliveries.
type EventDeliveryFilter struct {
	Status DeliveryStatus
	// Type is one event type, exactly.
	Type string
	// Since and Until are times of the events' acceptance, the first included.
	Since, Until time.Time
	// Limit and Cursor are as in [ListOptions].
	Limit  int
	Cursor string
	// StatusClass and ErrorClass are of the last attempt.
	StatusClass StatusClass
	ErrorClass  ErrorClass
}

func (f EventDeliveryFilter) query() query {
	return query{}.text("status", string(f.Status)).text("type", f.Type).time("since", f.Since).time("until", f.Until).page(f.Limit, f.Cursor).
		text("status_class", string(f.StatusClass)).text("error_class", string(f.ErrorClass))
}

// Deliveries is one page of an event's deliveries, those of replays included.
func (s *EventsService) Deliveries(ctx context.Context, id string, f EventDeliveryFilter) (Page[Delivery], error) {
	return list[Delivery](ctx, s.c, "listEventDeliveries", "/v1/events/{}/deliveries", f.query(), id)
}

// AllDeliveries goes through all pages of Deliveries.
func (s *EventsService) AllDeliveries(ctx context.Context, id string, f EventDeliveryFilter) iter.Seq2[Delivery, error] {
	return all(f.Cursor, func(cursor string) (Page[Delivery], error) {
		f.Cursor = cursor
		return s.Deliveries(ctx, id, f)
	})
}

// Replay delivers an event again: the same bytes under the same X-Webhook-ID. Without
// endpoints it goes to the active ones that match it now.
func (s *EventsService) Replay(ctx context.Context, id string, in EventReplayInput) (Replay, error) {
	return do[Replay](ctx, s.c, &call{op: "replayEvent", method: "POST", path: "/v1/events/{}/replay", ids: []string{id}, body: in})
}

// Health asks whether the API's process lives.
func (c *Client) Health(ctx context.Context) error {
	_, err := do[struct{}](ctx, c, &call{op: "getHealth", method: "GET", path: "/healthz", plain: true})
	return err
}

// Description is the API's own, OpenAPI 3.1 in JSON.
func (c *Client) Description(ctx context.Context) (json.RawMessage, error) {
	return do[json.RawMessage](ctx, c, &call{op: "getDescription", method: "GET", path: "/openapi.json", plain: true})
}
