package queue

import (
	"bytes"
	"context"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/postrider/postrider/internal/ingest"
	"github.com/postrider/postrider/internal/webhook"
)

// accepting is all that an Ingester needs: a workspace with as many endpoints as
// the type of an event says, and a queue that keeps what it is given.
type accepting struct {
	workspace webhook.WorkspaceID
	group     webhook.Group
	chunks    chan []webhook.Chunk
}

// fanOuts are how many endpoints want events of type f.<n>.
var fanOuts = []int{0, 1, 2, 7, 49, 50, 51, 130}

func (a *accepting) Versions(context.Context, []webhook.WorkspaceID) (map[webhook.WorkspaceID]webhook.Versions, time.Time, error) {
	return map[webhook.WorkspaceID]webhook.Versions{a.workspace: {Endpoints: 1}}, time.Now(), nil
}

func (a *accepting) Subscriptions(context.Context, []webhook.WorkspaceID) (map[webhook.WorkspaceID][]webhook.Endpoint, error) {
	var all []webhook.Endpoint
	for n := range slices.Max(fanOuts) {
		e := webhook.Endpoint{ID: webhook.NewID(time.Now()), Events: []string{"nothing"}}
		for place, fanOut := range fanOuts {
			if n < fanOut {
				e.Events = append(e.Events, typeOf(place, ""))
			}
		}
		all = append(all, e)
	}
	// Types of any length.
	for n := range all {
		for _, eventType := range all[n].Events {
			all[n].Events = append(all[n].Events, eventType+".*")
		}
	}
	return map[webhook.WorkspaceID][]webhook.Endpoint{a.workspace: all}, nil
}

func typeOf(place int, rest string) string { return "f" + string(rune('0'+place)) + rest }

func (a *accepting) Commit(_ context.Context, g *webhook.Group) (map[webhook.ID]webhook.Event, error) {
	a.group.Events = append(a.group.Events, g.Events...)
	for _, d := range g.Deliveries {
		d.Event += len(a.group.Events) - len(g.Events)
		a.group.Deliveries = append(a.group.Deliveries, d)
	}
	return nil, nil
}

func (a *accepting) Find(context.Context, webhook.WorkspaceID, webhook.ID) (webhook.Event, error) {
	return webhook.Event{}, webhook.NotFound("event")
}
func (a *accepting) Taken(context.Context, []webhook.IdempotencyKey) (map[webhook.IdempotencyKey]bool, error) {
	return nil, nil
}
func (a *accepting) Release(context.Context, []webhook.Chunk) error { return nil }
func (a *accepting) Waiting(context.Context) (map[webhook.Lane]int, error) {
	return nil, nil
}
func (a *accepting) Enqueue(_ context.Context, chunks []webhook.Chunk) ([]webhook.Chunk, error) {
	a.chunks <- chunks
	return nil, nil
}

// anyEvents draws a batch with bodies of every size that matters. Most batches
// have bodies of about one size: only those fill chunks up to their last bytes.
func anyEvents(t *rapid.T) []webhook.NewEvent {
	events := make([]webhook.NewEvent, rapid.IntRange(1, 120).Draw(t, "events"))
	sizes := rapid.SampledFrom([][]int{{0, 1, 100, 127, 1000, 4000, 8 << 10, 20 << 10}, {1100}, {1300}, {2000}, {5000}, {7900}}).Draw(t, "sizes")
	most := rapid.SampledFrom([]int{2, len(fanOuts) - 1}).Draw(t, "most")
	for n := range events {
		size := rapid.SampledFrom(sizes).Draw(t, "size") - rapid.IntRange(0, 250).Draw(t, "less")
		rest := ""
		if rapid.Bool().Draw(t, "long type") {
			rest = "." + strings.Repeat("x", rapid.IntRange(1, webhook.MaxTypeBytes-3).Draw(t, "type"))
		}
		events[n] = webhook.NewEvent{
			Type: typeOf(rapid.IntRange(0, most).Draw(t, "fan-out"), rest),
			Data: slices.Concat([]byte(`{"a":"`), bytes.Repeat([]byte{'x'}, max(size, 0)), []byte(`"}`)),
		}
		if n := rapid.IntRange(0, 128).Draw(t, "id"); n > 10 {
			events[n%len(events)].ID = strings.Repeat("i", n)
		}
	}
	return events
}

// Chunks as ingest makes them and as Redis gets them: the bounds are on the
// encoded form, and nobody but the two together can hold them.
func TestChunksOfIngest(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		a := &accepting{
			workspace: webhook.WorkspaceID(strings.Repeat("w", rapid.IntRange(1, 64).Draw(t, "workspace"))),
			chunks:    make(chan []webhook.Chunk, 100),
		}
		events := anyEvents(t)
		i := ingest.New(a, a, a, ingest.Config{})
		i.Start()
		_, err := i.Accept(context.Background(), a.workspace, events)
		i.Stop(context.Background())
		close(a.chunks)
		if err != nil {
			t.Fatal(err)
		}
		var chunks []webhook.Chunk
		for some := range a.chunks {
			chunks = append(chunks, some...)
		}
		checkChunks(t, a.group, chunks)
	})
}

func checkChunks(t *rapid.T, g webhook.Group, chunks []webhook.Chunk) {
	events := make(map[webhook.ID]webhook.Event)
	for _, e := range g.Events {
		events[e.ID] = e
	}
	var members []webhook.Member
	tasks := make(map[webhook.ID]string)
	for n, c := range chunks {
		payload := encodeChunk(c)
		if len(c.Members) == 0 || len(c.Members) > 50 || len(payload) > 64<<10 {
			t.Fatalf("chunk %d has %d members in %d bytes", n, len(c.Members), len(payload))
		}
		got, err := decodeChunk(c.Task, payload)
		if err != nil || !slices.Equal(got.Members, c.Members) {
			t.Fatalf("chunk %d is read back as %+v, %v", n, got, err)
		}
		members = append(members, got.Members...)
		checkCarried(t, got, events)
		for _, m := range got.Members {
			tasks[m.DeliveryID] = c.Task
		}
		if n > 0 && len(chunks[n-1].Members) < 50 && len(encodeChunk(chunks[n-1])) < 40<<10 {
			t.Fatalf("chunk %d has room for 24 KiB and %d members", n-1, 50-len(chunks[n-1].Members))
		}
	}
	if len(members) != len(g.Deliveries) || len(tasks) != len(g.Deliveries) {
		t.Fatalf("%d members of %d deliveries in %d", len(members), len(tasks), len(g.Deliveries))
	}
	for _, d := range g.Deliveries {
		if d.Task == "" || tasks[d.ID] != d.Task {
			t.Fatalf("the row names %q, the delivery is in %q", d.Task, tasks[d.ID])
		}
	}
}

// checkCarried: each event of a member with a body up to 8 KiB, once, and no other.
func checkCarried(t *rapid.T, c webhook.Chunk, events map[webhook.ID]webhook.Event) {
	want := make(map[webhook.ID]bool)
	for _, m := range c.Members {
		e := events[m.EventID]
		if m.WorkspaceID != e.WorkspaceID {
			t.Fatalf("a member of workspace %s", m.WorkspaceID)
		}
		if len(e.Body) <= 8<<10 {
			want[e.ID] = true
		}
	}
	for _, got := range c.Events {
		e := events[got.ID]
		if !want[got.ID] {
			t.Fatalf("%s is carried twice, or for nobody, or with %d bytes", got.ID, len(e.Body))
		}
		delete(want, got.ID)
		if !bytes.Equal(got.Body, e.Body) || got.PublicID != e.PublicID() || got.Type != e.Type {
			t.Fatalf("%+v is carried as %+v", e, got)
		}
	}
	if len(want) > 0 {
		t.Fatalf("%d events are not carried", len(want))
	}
}
