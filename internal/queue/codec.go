package queue

import (
	"encoding/binary"
	"errors"
	"fmt"
	"slices"

	"github.com/postrider/postrider/internal/webhook"
)

// A task's payload. Version 1, all lengths and counts as uvarints:
//
//	1 byte   version
//	events   count, then each: 16 bytes id, workspace id, carried (0, 1 or 2) and,
//	         when carried, public id, type and body, and when 2 the trace
//	members  count, then each: index into events, 16 bytes delivery id, 16 bytes
//	         endpoint id
//
// An event stands here once however many members it has. Carried events hold
// their body; of the others the worker reads it from Postgres.
const codecVersion = 1

// How an event stands in a payload. Only an event with a trace is withTrace, which
// releases before tracing do not read: so it is turned on when they are gone.
const (
	notCarried byte = iota
	withBody
	withTrace
)

var errPayload = errors.New("payload is cut short or damaged")

// otherBytes of an event, a guess: those of its id, workspace, trace and of lengths.
const otherBytes = 128

func encodeChunk(c webhook.Chunk) []byte {
	carried := make(map[webhook.ID]*webhook.CarriedEvent, len(c.Events))
	size := 16 + len(c.Members)*36
	for i := range c.Events {
		e := &c.Events[i]
		carried[e.ID] = e
		size += otherBytes + len(e.PublicID) + len(e.Type) + len(e.Body)
	}
	type entry struct {
		id webhook.ID
		ws webhook.WorkspaceID
	}
	var events []entry
	index := make(map[entry]int, len(c.Events))
	for _, m := range c.Members {
		e := entry{m.EventID, m.WorkspaceID}
		if _, ok := index[e]; !ok {
			index[e] = len(events)
			events = append(events, e)
		}
	}
	b := append(make([]byte, 0, size), codecVersion)
	b = binary.AppendUvarint(b, uint64(len(events)))
	for _, e := range events {
		b = append(b, e.id[:]...)
		b = appendString(b, string(e.ws))
		ev := carried[e.id]
		if ev == nil {
			b = append(b, notCarried)
			continue
		}
		how := withBody
		if !ev.Trace.IsZero() {
			how = withTrace
		}
		b = append(b, how)
		b = appendString(b, ev.PublicID)
		b = appendString(b, ev.Type)
		b = appendString(b, ev.Body)
		if how == withTrace {
			b = appendString(b, ev.Trace.AppendTo(nil))
		}
	}
	b = binary.AppendUvarint(b, uint64(len(c.Members)))
	for _, m := range c.Members {
		b = binary.AppendUvarint(b, uint64(index[entry{m.EventID, m.WorkspaceID}]))
		b = append(b, m.DeliveryID[:]...)
		b = append(b, m.EndpointID[:]...)
	}
	return b
}

func appendString[T string | []byte](b []byte, s T) []byte {
	b = binary.AppendUvarint(b, uint64(len(s)))
	return append(b, s...)
}

// decodeChunk reads a payload. Bodies alias it.
func decodeChunk(task string, payload []byte) (webhook.Chunk, error) {
	c := webhook.Chunk{Task: task}
	d := decoder{b: payload}
	if v := d.byte(); v != codecVersion && d.err == nil {
		return c, fmt.Errorf("payload has version %d, this process knows %d", v, codecVersion)
	}
	type entry struct {
		id webhook.ID
		ws webhook.WorkspaceID
	}
	n := d.countUpTo(webhook.MaxChunkMembers)
	events := make([]entry, 0, n)
	for range n {
		e := entry{id: d.id(), ws: webhook.WorkspaceID(d.bytes())}
		events = append(events, e)
		carried := d.byte()
		if carried > withTrace {
			return c, errPayload
		}
		if carried == notCarried {
			continue
		}
		ev := webhook.CarriedEvent{ID: e.id, PublicID: string(d.bytes()), Type: string(d.bytes()), Body: slices.Clip(d.bytes())}
		if carried == withTrace {
			ev.Trace = webhook.StoredTrace(d.bytes())
		}
		c.Events = append(c.Events, ev)
	}
	for range d.countUpTo(webhook.MaxChunkMembers) {
		i := d.count()
		m := webhook.Member{DeliveryID: d.id(), EndpointID: d.id()}
		if d.err != nil {
			return c, d.err
		}
		if i >= len(events) {
			return c, errPayload
		}
		m.EventID, m.WorkspaceID = events[i].id, events[i].ws
		c.Members = append(c.Members, m)
	}
	if d.err == nil && len(d.b) > 0 {
		d.err = errPayload
	}
	return c, d.err
}

// decoder reads from the front of b; after an error everything is zero.
type decoder struct {
	b   []byte
	err error
}

func (d *decoder) take(n int) []byte {
	if d.err != nil || n < 0 || n > len(d.b) {
		d.err = errPayload
		return nil
	}
	out := d.b[:n]
	d.b = d.b[n:]
	return out
}

func (d *decoder) byte() byte {
	if b := d.take(1); b != nil {
		return b[0]
	}
	return 0
}

func (d *decoder) count() int {
	v, n := binary.Uvarint(d.b)
	if d.err != nil || n <= 0 || v > 1<<30 {
		d.err = errPayload
		return 0
	}
	d.b = d.b[n:]
	return int(v)
}

// countUpTo refuses a count that no encoder writes, before anything is allocated.
func (d *decoder) countUpTo(limit int) int {
	n := d.count()
	if n > limit {
		d.err = errPayload
		return 0
	}
	return n
}

func (d *decoder) bytes() []byte { return d.take(d.count()) }

func (d *decoder) id() (id webhook.ID) {
	copy(id[:], d.take(len(id)))
	return id
}
