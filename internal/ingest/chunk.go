package ingest

import (
	"time"

	"github.com/postrider/postrider/internal/webhook"
)

// chunker gives deliveries to tasks, in order, over the whole group: fan-out 1
// profits as much as fan-out 1,000.
type chunker struct {
	now    time.Time
	chunks []webhook.Chunk
	bytes  int
	// lastEvent is the last event carried by the last chunk.
	lastEvent webhook.ID
}

// add returns the task that carries the delivery.
func (c *chunker) add(e *webhook.Event, m webhook.Member) string {
	if c.full(e) {
		c.chunks = append(c.chunks, webhook.Chunk{Task: webhook.NewTask(webhook.LaneDeliver, c.now)})
		c.bytes, c.lastEvent = 0, webhook.ID{}
	}
	last := &c.chunks[len(c.chunks)-1]
	last.Members = append(last.Members, m)
	c.bytes += memberBytes
	if len(e.Body) <= webhook.MaxCarriedBytes && c.lastEvent != e.ID {
		last.Events = append(last.Events, webhook.CarriedEvent{
			ID: e.ID, PublicID: e.PublicID(), Type: e.Type, Body: e.Body,
		})
		c.lastEvent = e.ID
		c.bytes += carriedBytes(e)
	}
	return last.Task
}

const memberBytes = 36

func carriedBytes(e *webhook.Event) int { return len(e.Body) + len(e.Type) + 192 }

func (c *chunker) full(e *webhook.Event) bool {
	if len(c.chunks) == 0 {
		return true
	}
	last := &c.chunks[len(c.chunks)-1]
	more := memberBytes
	if c.lastEvent != e.ID && len(e.Body) <= webhook.MaxCarriedBytes {
		more += carriedBytes(e)
	}
	return len(last.Members) >= webhook.MaxChunkMembers || c.bytes+more > webhook.MaxChunkBytes
}

// without drops the members of duplicate events, which were not committed.
func without(chunks []webhook.Chunk, duplicates map[webhook.ID]webhook.Event) []webhook.Chunk {
	if len(duplicates) == 0 {
		return chunks
	}
	kept := chunks[:0]
	for _, c := range chunks {
		members := c.Members[:0]
		for _, m := range c.Members {
			if _, dup := duplicates[m.EventID]; !dup {
				members = append(members, m)
			}
		}
		if c.Members = members; len(members) > 0 {
			kept = append(kept, c)
		}
	}
	return kept
}
