package queue

import (
	"bytes"
	"encoding/binary"
	"reflect"
	"testing"

	"github.com/postrider/postrider/internal/webhook"
)

// FuzzDecodeChunk holds that what is taken of a payload is what a slow reader of
// its description finds, within bounds, and the same when it is enqueued again.
func FuzzDecodeChunk(f *testing.F) {
	f.Add([]byte{})
	f.Add([]byte{codecVersion})
	f.Add(encodeChunk(webhook.Chunk{}))
	f.Add(encodeChunk(sample(50, 300)))
	f.Add(bytes.Repeat([]byte{0xff}, 64))
	f.Add(append([]byte{codecVersion, 0, 1, 5}, make([]byte, 32)...))
	f.Add(append([]byte{codecVersion, 1}, bytes.Repeat([]byte{0x80}, 40)...))
	f.Fuzz(func(t *testing.T, payload []byte) {
		before := bytes.Clone(payload)
		c, err := decodeChunk("c_x", payload)
		if !bytes.Equal(payload, before) {
			t.Fatalf("%x became %x", before, payload)
		}
		want, ok := slowDecode(payload)
		if ok != (err == nil) {
			t.Fatalf("%x: %v, want it to be taken: %t", payload, err, ok)
		}
		if err != nil {
			return
		}
		if !sameChunk(c, want) || len(c.Members) > webhook.MaxChunkMembers || len(c.Events) > webhook.MaxChunkMembers {
			t.Fatalf("%x is %+v, want %+v", payload, c, want)
		}
		again, err := decodeChunk("c_x", encodeChunk(c))
		if err != nil || !reflect.DeepEqual(again.Members, c.Members) {
			t.Fatalf("%+v became %+v, %v", c.Members, again.Members, err)
		}
		third, err := decodeChunk("c_x", encodeChunk(again))
		if err != nil || !sameChunk(third, again) {
			t.Fatalf("%+v became %+v, %v", again, third, err)
		}
		// What grows into a body must not reach into what comes after it.
		for i := range c.Events {
			_ = append(c.Events[i].Body, 0xaa)
		}
		if !bytes.Equal(payload, before) {
			t.Fatalf("a body of %x has room in the payload", before)
		}
	})
}

// slowDecode reads a payload as its description says, a byte at a time.
func slowDecode(payload []byte) (c webhook.Chunk, ok bool) {
	c.Task = "c_x"
	in := bytes.NewReader(payload)
	ok = true
	take := func(n uint64) []byte {
		if !ok || n > uint64(in.Len()) {
			ok = false
			return nil
		}
		out := make([]byte, n)
		for i := range out {
			out[i], _ = in.ReadByte()
		}
		return out
	}
	count := func() uint64 {
		n, err := binary.ReadUvarint(in)
		ok = ok && err == nil
		return n
	}
	text := func() []byte { return take(count()) }
	id := func() (id webhook.ID) {
		copy(id[:], take(16))
		return id
	}
	if version := take(1); !ok || version[0] != 1 {
		return c, false
	}
	type event struct {
		id webhook.ID
		ws webhook.WorkspaceID
	}
	var events []event
	n := count()
	for ok = ok && n <= webhook.MaxChunkMembers; ok && n > 0; n-- {
		e := event{id(), webhook.WorkspaceID(text())}
		events = append(events, e)
		carried := take(1)
		if ok = ok && carried[0] <= 1; ok && carried[0] == 1 {
			c.Events = append(c.Events, webhook.CarriedEvent{ID: e.id, PublicID: string(text()), Type: string(text()), Body: text()})
		}
	}
	if !ok {
		return c, false
	}
	n = count()
	for ok = ok && n <= webhook.MaxChunkMembers; ok && n > 0; n-- {
		place := count()
		m := webhook.Member{DeliveryID: id(), EndpointID: id()}
		if ok = ok && place < uint64(len(events)); ok {
			m.EventID, m.WorkspaceID = events[place].id, events[place].ws
			c.Members = append(c.Members, m)
		}
	}
	return c, ok && in.Len() == 0
}
