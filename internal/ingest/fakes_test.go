package ingest

import (
	"cmp"
	"context"
	"errors"
	"maps"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/postrider/postrider/internal/webhook"
)

var (
	errAway   = &webhook.Error{Code: webhook.CodeUnavailable, Detail: "Postgres is not available", RetryAfter: time.Second}
	errRow    = errors.New("this row can't be stored")
	errNoLoad = errors.New("these endpoints can't be read")
)

// memory is a Postgres for one bubble: it commits all of a group or nothing,
// and an id of a caller's own once, like an idempotency key.
type memory struct {
	mu        sync.Mutex
	endpoints map[webhook.WorkspaceID]int
	// wants is what type a workspace's endpoints want; every one if none is said.
	wants  map[webhook.WorkspaceID]string
	unread map[webhook.WorkspaceID]bool // whose endpoints can't be loaded
	// types are versions of event types.
	types    map[webhook.WorkspaceID]int64
	groups   []webhook.Group
	ids      map[externalID]webhook.Event
	keys     map[webhook.IdempotencyKey]webhook.Answer
	looks    int // how often keys were looked for
	released []webhook.Chunk
	// before runs ahead of a commit and may refuse it; after runs when it is
	// done, and its error is an answer that got lost.
	before, after func(*webhook.Group) error
	release       func(context.Context) error
}

func newMemory() *memory {
	return &memory{
		endpoints: map[webhook.WorkspaceID]int{"w": 1, "other": 1},
		wants:     make(map[webhook.WorkspaceID]string),
		unread:    make(map[webhook.WorkspaceID]bool), ids: make(map[externalID]webhook.Event),
		keys: make(map[webhook.IdempotencyKey]webhook.Answer),
	}
}

func (m *memory) Versions(_ context.Context, ids []webhook.WorkspaceID) (map[webhook.WorkspaceID]webhook.Versions, time.Time, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	out := make(map[webhook.WorkspaceID]webhook.Versions)
	for _, id := range ids {
		if _, ok := m.endpoints[id]; ok {
			out[id] = webhook.Versions{Endpoints: 1, Types: m.types[id]}
		}
	}
	return out, time.Now(), nil
}

// Subscriptions gives every endpoint what the workspace's want. One workspace that can't be
// read fails the whole look-up, as one row does with a driver.
func (m *memory) Subscriptions(_ context.Context, ids []webhook.WorkspaceID) (map[webhook.WorkspaceID][]webhook.Endpoint, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	out := make(map[webhook.WorkspaceID][]webhook.Endpoint)
	for _, id := range ids {
		if m.unread[id] {
			return nil, errNoLoad
		}
		for range m.endpoints[id] {
			out[id] = append(out[id], webhook.Endpoint{ID: webhook.NewID(time.Now()), Events: []string{cmp.Or(m.wants[id], "*")}})
		}
	}
	return out, nil
}

func (m *memory) mend(ws webhook.WorkspaceID) {
	m.mu.Lock()
	defer m.mu.Unlock()
	delete(m.unread, ws)
}

func (m *memory) Commit(_ context.Context, g *webhook.Group) (map[webhook.ID]webhook.Event, error) {
	if m.before != nil {
		if err := m.before(g); err != nil {
			return nil, err
		}
	}
	duplicates := m.store(g)
	if m.after != nil {
		return duplicates, m.after(g)
	}
	return duplicates, nil
}

func (m *memory) store(g *webhook.Group) map[webhook.ID]webhook.Event {
	m.mu.Lock()
	defer m.mu.Unlock()
	duplicates := make(map[webhook.ID]webhook.Event)
	for _, e := range g.Events {
		key := externalID{e.WorkspaceID, e.ExternalID}
		first, taken := m.ids[key]
		switch {
		case taken:
			duplicates[e.ID] = first
		case e.ExternalID != "":
			m.ids[key] = e
		}
	}
	for _, a := range g.Answers {
		if _, taken := m.keys[a.Key]; taken {
			duplicates[g.Events[a.Event].ID] = webhook.Event{}
		} else {
			m.keys[a.Key] = a
		}
	}
	m.groups = append(m.groups, webhook.Group{
		Events: slices.Clone(g.Events), Deliveries: slices.Clone(g.Deliveries), Answers: slices.Clone(g.Answers),
	})
	return duplicates
}

func (m *memory) Taken(_ context.Context, keys []webhook.IdempotencyKey) (map[webhook.IdempotencyKey]bool, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.looks++
	taken := make(map[webhook.IdempotencyKey]bool)
	for _, k := range keys {
		if _, ok := m.keys[k]; ok {
			taken[k] = true
		}
	}
	return taken, nil
}

func (m *memory) Find(context.Context, webhook.WorkspaceID, webhook.ID) (webhook.Event, error) {
	return webhook.Event{}, webhook.NotFound("event")
}

func (m *memory) Release(ctx context.Context, chunks []webhook.Chunk) error {
	if m.release != nil {
		if err := m.release(ctx); err != nil {
			return err
		}
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.released = append(m.released, chunks...)
	return nil
}

// committed counts how often each type of event was stored.
func (m *memory) committed() map[string]int {
	m.mu.Lock()
	defer m.mu.Unlock()
	out := make(map[string]int)
	for _, g := range m.groups {
		for _, e := range g.Events {
			out[e.Type]++
		}
	}
	return out
}

// given are the deliveries that the committed rows name a task of.
func (m *memory) given() map[webhook.ID]string {
	m.mu.Lock()
	defer m.mu.Unlock()
	out := make(map[webhook.ID]string)
	for _, g := range m.groups {
		for _, d := range g.Deliveries {
			if d.Task != "" {
				out[d.ID] = d.Task
			}
		}
	}
	return out
}

func tasksOf(chunks []webhook.Chunk) map[webhook.ID]string {
	out := make(map[webhook.ID]string)
	for _, c := range chunks {
		for _, m := range c.Members {
			out[m.DeliveryID] = c.Task
		}
	}
	return out
}

func (m *memory) taken() map[webhook.ID]string {
	m.mu.Lock()
	defer m.mu.Unlock()
	return tasksOf(m.released)
}

// fakeQueue is a Redis that keeps what it is told.
type fakeQueue struct {
	mu      sync.Mutex
	chunks  []webhook.Chunk
	waiting map[webhook.Lane]int
	away    bool
	// enqueue runs before anything is kept, and may refuse.
	enqueue func(context.Context, []webhook.Chunk) error
	// room is how many tasks it takes yet before it is away; nil is any number.
	room *int
}

func (q *fakeQueue) Enqueue(ctx context.Context, chunks []webhook.Chunk) ([]webhook.Chunk, error) {
	if q.enqueue != nil {
		if err := q.enqueue(ctx, chunks); err != nil {
			return chunks, err
		}
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.away {
		return chunks, errors.New("redis is away")
	}
	n := len(chunks)
	if q.room != nil {
		n = min(n, *q.room)
		*q.room -= n
	}
	q.chunks = append(q.chunks, chunks[:n]...)
	if n < len(chunks) {
		return chunks[n:], errors.New("redis went away")
	}
	return nil, nil
}

func (q *fakeQueue) Waiting(context.Context) (map[webhook.Lane]int, error) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.away {
		return nil, errors.New("redis is away")
	}
	return maps.Clone(q.waiting), nil
}

func (q *fakeQueue) set(change func(*fakeQueue)) {
	q.mu.Lock()
	defer q.mu.Unlock()
	change(q)
}

func (q *fakeQueue) tasks() map[webhook.ID]string {
	q.mu.Lock()
	defer q.mu.Unlock()
	return tasksOf(q.chunks)
}

// world is an Ingester between a fake Postgres and a fake Redis, in a bubble of
// its own time.
type world struct {
	*memory
	*Ingester
	queue *fakeQueue
}

// bubble runs test before the Ingester is started, so that it can arrange things.
func bubble(t *testing.T, test func(t *testing.T, w *world)) {
	t.Helper()
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := &world{memory: newMemory(), queue: &fakeQueue{}}
		w.Ingester = New(w.memory, w.memory, w.queue, Config{})
		defer w.Stop(context.Background())
		test(t, w)
	})
}

// publish accepts one event of that type.
func (w *world) publish(ws webhook.WorkspaceID, eventType string) error {
	return w.publishID(ws, eventType, "")
}

func (w *world) publishID(ws webhook.WorkspaceID, eventType, id string) error {
	_, err := w.Accept(context.Background(), ws, []webhook.NewEvent{{ID: id, Type: eventType, Data: []byte(`{}`)}})
	return err
}

// hang makes commits that match wait, until the returned function lets them go.
func (w *world) hang(match func(*webhook.Group) bool) (free func()) {
	gate := make(chan struct{})
	w.before = func(g *webhook.Group) error {
		if match(g) {
			<-gate
		}
		return nil
	}
	return sync.OnceFunc(func() { close(gate) })
}

func always(*webhook.Group) bool { return true }

func holds(eventType string) func(*webhook.Group) bool {
	return func(g *webhook.Group) bool {
		return slices.ContainsFunc(g.Events, func(e webhook.Event) bool { return e.Type == eventType })
	}
}

func batch(n, size int, eventType string) []webhook.NewEvent {
	out := make([]webhook.NewEvent, n)
	for i := range out {
		out[i] = webhook.NewEvent{Type: eventType, Data: slices.Concat([]byte(`{"a":"`), slices.Repeat([]byte{'x'}, size), []byte(`"}`))}
	}
	return out
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// check is must for goroutines that are not the test's own.
func check(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Error(err)
	}
}

// wantUnavailable also wants to be told when to come back.
func wantUnavailable(t testing.TB, err error) {
	t.Helper()
	var e *webhook.Error
	if !errors.As(err, &e) || e.Code != webhook.CodeUnavailable || e.RetryAfter <= 0 {
		t.Errorf("got %v, want unavailable with a time to try again", err)
	}
}

func wantCounts(t testing.TB, got, want map[string]int) {
	t.Helper()
	if !maps.Equal(got, want) {
		t.Errorf("committed %v, want %v", got, want)
	}
}
