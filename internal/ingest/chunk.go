package ingest

import (
	"slices"
	"time"

	"github.com/postrider/postrider/internal/webhook"
)

// chunker gives deliveries to tasks, in order, over the whole group: fan-out 1
// profits as much as fan-out 1,000.
type chunker struct {
	now    time.Time
	lane   webhook.Lane
	shards webhook.Shards
	chunks []webhook.Chunk
	bytes  int
	// most is how many chunks it makes; 0 is any number.
	most int
	// lastEvent is the last event of the last chunk.
	lastEvent webhook.ID
}

// add returns the task that carries the delivery, or "" where that would take one chunk
// too many.
func (c *chunker) add(e *webhook.Event, m webhook.Member) string {
	if c.full(e) {
		if c.most > 0 && len(c.chunks) >= c.most {
			return ""
		}
		c.chunks = append(c.chunks, webhook.Chunk{Task: c.shards.NewTask(c.lane, c.now)})
		c.bytes, c.lastEvent = 0, webhook.ID{}
	}
	last := &c.chunks[len(c.chunks)-1]
	last.Members = append(last.Members, m)
	c.bytes += c.more(e)
	if len(e.Body) <= webhook.MaxCarriedBytes && c.lastEvent != e.ID {
		last.Events = append(last.Events, webhook.CarriedEvent{
			ID: e.ID, PublicID: e.PublicID(), Type: e.Type, Body: e.Body, Trace: e.Trace,
		})
	}
	c.lastEvent = e.ID
	return last.Task
}

// What a member and an event's entry take in a task at most, besides texts and body.
const (
	memberBytes = 34
	entryBytes  = 32 + 25 // a trace included
)

// more is how much the chunk grows by a delivery of the event.
func (c *chunker) more(e *webhook.Event) int {
	if c.lastEvent == e.ID {
		return memberBytes
	}
	n := memberBytes + entryBytes + len(e.WorkspaceID)
	if len(e.Body) <= webhook.MaxCarriedBytes {
		n += len(e.PublicID()) + len(e.Type) + len(e.Body)
	}
	return n
}

func (c *chunker) full(e *webhook.Event) bool {
	if len(c.chunks) == 0 {
		return true
	}
	last := &c.chunks[len(c.chunks)-1]
	return len(last.Members) >= webhook.MaxChunkMembers || c.bytes+c.more(e) > webhook.MaxChunkBytes
}

// without drops the members of duplicate events, which were not committed.
func without(chunks []webhook.Chunk, duplicates map[webhook.ID]webhook.Event) []webhook.Chunk {
	if len(duplicates) == 0 {
		return chunks
	}
	return keep(chunks, func(m *webhook.Member) bool {
		_, dup := duplicates[m.EventID]
		return !dup
	})
}

// keep drops the members that are not wanted, the bodies that nobody needs then, and
// chunks without members.
func keep(chunks []webhook.Chunk, wanted func(*webhook.Member) bool) []webhook.Chunk {
	kept := chunks[:0]
	for _, c := range chunks {
		members := c.Members[:0]
		needed := make(map[webhook.ID]bool)
		for _, m := range c.Members {
			if wanted(&m) {
				members = append(members, m)
				needed[m.EventID] = true
			}
		}
		c.Events = slices.DeleteFunc(c.Events, func(e webhook.CarriedEvent) bool { return !needed[e.ID] })
		if c.Members = members; len(members) > 0 {
			kept = append(kept, c)
		}
	}
	return kept
}
