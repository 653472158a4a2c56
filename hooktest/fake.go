package hooktest

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/postrider/postrider/client"
)

// Event is one that was dispatched.
type Event struct {
	// ID is the event's own, or a generated one.
	ID   string
	Type string
	// Data is the payload, as the API would have got it.
	Data json.RawMessage
	// CreatedAt is the time of the dispatch where none was given.
	CreatedAt time.Time
	// The other options, as given.
	EndpointIDs []string
	DeliverAt   time.Time
	OrderingKey string
	Wait        time.Duration
}

// Decode reads the payload into v.
func (e Event) Decode(v any) error { return json.Unmarshal(e.Data, v) }

// Get is the payload's value at a path such as "author.id" or "tags.0", with numbers as float64;
// nil where there is none.
func (e Event) Get(path string) any {
	var value any
	if json.Unmarshal(e.Data, &value) != nil {
		return nil
	}
	for name := range strings.SplitSeq(path, ".") {
		value = child(value, name)
	}
	return value
}

// child is a member of an object, or an element of an array.
func child(value any, name string) any {
	switch value := value.(type) {
	case map[string]any:
		return value[name]
	case []any:
		if i, err := strconv.Atoi(name); err == nil && i >= 0 && i < len(value) {
			return value[i]
		}
	}
	return nil
}

// Fake is a [client.Dispatcher] that records. It is safe for concurrent use.
type Fake struct {
	t testing.TB

	mu       sync.Mutex
	events   []Event
	accepted map[string]client.Accepted // by id
	failures []error
}

var _ client.Dispatcher = (*Fake)(nil)

// NewFake makes a fake that reports to t.
func NewFake(t testing.TB) *Fake { return &Fake{t: t, accepted: map[string]client.Accepted{}} }

// Dispatch records an event, unless it fails: with the context's cause when that has
// ended, with what FailNext was given, or with the 422 that the API would answer. An id
// that was given before is the same event and is recorded once.
func (f *Fake) Dispatch(ctx context.Context, eventType string, payload any, options ...client.DispatchOption) (client.Accepted, error) {
	return f.take(ctx, newEvent(eventType, payload, options), false)
}

func newEvent(eventType string, payload any, options []client.DispatchOption) client.NewEvent {
	e := client.NewEvent{Type: eventType, Data: payload}
	for _, option := range options {
		option(&e)
	}
	return e
}

func (f *Fake) take(ctx context.Context, in client.NewEvent, batched bool) (client.Accepted, error) {
	if ctx.Err() != nil {
		return client.Accepted{}, context.Cause(ctx)
	}
	data, err := in.Payload()
	if err != nil {
		return client.Accepted{}, err
	}
	in.Data = data
	f.mu.Lock()
	defer f.mu.Unlock()
	if len(f.failures) > 0 {
		err, f.failures = f.failures[0], f.failures[1:]
		return client.Accepted{}, err
	}
	if err := in.Check(batched); err != nil {
		return client.Accepted{}, err
	}
	if before, ok := f.accepted[in.ID]; ok {
		return before, nil
	}
	return f.record(&in, data), nil
}

func (f *Fake) record(in *client.NewEvent, data json.RawMessage) client.Accepted {
	if in.ID == "" {
		in.ID = "evt_" + strings.ToLower(rand.Text())
	}
	if in.CreatedAt.IsZero() {
		in.CreatedAt = time.Now().UTC()
	}
	f.events = append(f.events, Event{
		ID: in.ID, Type: in.Type, Data: data, CreatedAt: in.CreatedAt, EndpointIDs: in.EndpointIDs,
		DeliverAt: in.DeliverAt, OrderingKey: in.OrderingKey, Wait: seconds(in.Wait),
	})
	out := client.Accepted{ID: in.ID, Type: in.Type, CreatedAt: in.CreatedAt, Deliveries: 1}
	f.accepted[in.ID] = out
	return out
}

func seconds(n float64) time.Duration { return time.Duration(n * float64(time.Second)) }

// FailNext makes the next Dispatch fail with err and record nothing. Called twice,
// the next two fail.
func (f *Fake) FailNext(err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.failures = append(f.failures, err)
}

// Events are what was dispatched, in order.
func (f *Fake) Events() []Event {
	f.mu.Lock()
	defer f.mu.Unlock()
	return append([]Event(nil), f.events...)
}

// Reset forgets what was dispatched, and which failures were to come.
func (f *Fake) Reset() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.events, f.failures, f.accepted = nil, nil, map[string]client.Accepted{}
}

// Queue is the fake for code that takes a [client.Queue], as a batcher is one. What the
// API would refuse fails at once, where a batcher would tell its OnError later.
func (f *Fake) Queue() client.Queue { return queue{f} }

type queue struct{ f *Fake }

func (q queue) Dispatch(ctx context.Context, eventType string, payload any, options ...client.DispatchOption) error {
	_, err := q.f.take(ctx, newEvent(eventType, payload, options), true)
	return err
}
