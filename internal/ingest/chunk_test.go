package ingest

import (
	"bytes"
	"slices"
	"testing"
	"time"

	"github.com/postrider/postrider/internal/webhook"
)

func chunked(events ...*chunkEvent) []webhook.Chunk {
	c := chunker{now: time.Now(), lane: webhook.LaneDeliver}
	for _, e := range events {
		for range e.fanOut {
			c.add(&e.Event, webhook.Member{DeliveryID: webhook.NewID(c.now), EventID: e.ID, WorkspaceID: e.WorkspaceID})
		}
	}
	return c.chunks
}

type chunkEvent struct {
	webhook.Event
	fanOut int
}

func eventOf(size, fanOut int) *chunkEvent {
	return &chunkEvent{webhook.Event{
		ID: webhook.NewID(time.Now()), WorkspaceID: "w", Type: "a.b", Body: bytes.Repeat([]byte{'x'}, size),
	}, fanOut}
}

// The size of a chunk as encoded is held against the codec in internal/queue.
func TestChunk(t *testing.T) {
	t.Parallel()

	t.Run("TakesDeliveriesOfManyEvents", func(t *testing.T) {
		t.Parallel()
		events := make([]*chunkEvent, 120)
		for n := range events {
			events[n] = eventOf(300, 1)
		}
		chunks := chunked(events...)
		if len(chunks) != 3 || members(chunks) != 120 {
			t.Errorf("120 deliveries make %d chunks of %d members", len(chunks), members(chunks))
		}
	})

	t.Run("HasATaskOfItsOwnWithin50Members", func(t *testing.T) {
		t.Parallel()
		chunks := chunked(eventOf(300, 49), eventOf(300, 102))
		tasks := make(map[string]bool)
		for _, c := range chunks {
			tasks[c.Task] = true
			if lane, ok := webhook.LaneOf(c.Task); !ok || lane != webhook.LaneDeliver || len(c.Members) > 50 {
				t.Errorf("task %s has %d members", c.Task, len(c.Members))
			}
		}
		if len(chunks) != 4 || len(tasks) != 4 {
			t.Errorf("%d chunks with %d tasks, want 4", len(chunks), len(tasks))
		}
	})

	t.Run("CarriesAnEventOnceAndAgainInTheNext", func(t *testing.T) {
		t.Parallel()
		first, second := eventOf(300, 30), eventOf(300, 30)
		chunks := chunked(first, second)
		want := [][]webhook.ID{{first.ID, second.ID}, {second.ID}}
		for n, c := range chunks {
			var got []webhook.ID
			for _, e := range c.Events {
				got = append(got, e.ID)
			}
			if !slices.Equal(got, want[n]) {
				t.Errorf("chunk %d carries %v, want %v", n, got, want[n])
			}
		}
	})

	t.Run("CarriesBodiesUpTo8KiB", func(t *testing.T) {
		t.Parallel()
		for size, carried := range map[int]int{8 << 10: 1, 8<<10 + 1: 0} {
			if chunks := chunked(eventOf(size, 2)); len(chunks) != 1 || len(chunks[0].Events) != carried {
				t.Errorf("a body of %d bytes is carried %d times, want %d", size, len(chunks[0].Events), carried)
			}
		}
	})

	t.Run("ThatIsLeftByItsDuplicatesIsGone", func(t *testing.T) {
		t.Parallel()
		first, second := eventOf(300, 50), eventOf(300, 20)
		third := eventOf(300, 20)
		duplicates := map[webhook.ID]webhook.Event{first.ID: {}, third.ID: {}}
		kept := without(chunked(first, second, third), duplicates)
		if len(kept) != 1 || members(kept) != 20 {
			t.Fatalf("%d chunks with %d members", len(kept), members(kept))
		}
		for _, m := range kept[0].Members {
			if m.EventID != second.ID {
				t.Errorf("a delivery of %s is left", m.EventID)
			}
		}
	})
}
