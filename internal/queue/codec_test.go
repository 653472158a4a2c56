package queue

import (
	"bytes"
	"encoding/binary"
	"reflect"
	"runtime"
	"testing"

	"pgregory.net/rapid"

	"github.com/postrider/postrider/internal/webhook"
)

func anyID(t *rapid.T, label string) (id webhook.ID) {
	copy(id[:], rapid.SliceOfN(rapid.Byte(), len(id), len(id)).Draw(t, label))
	return id
}

// anyTrace is none as often as not.
func anyTrace(t *rapid.T) (tr webhook.Trace) {
	if rapid.Bool().Draw(t, "traced") {
		copy(tr.ID[:], rapid.SliceOfN(rapid.Byte(), 16, 16).Draw(t, "trace"))
		copy(tr.Span[:], rapid.SliceOfN(rapid.Byte(), 8, 8).Draw(t, "span"))
		tr.Sampled = rapid.Bool().Draw(t, "sampled")
	}
	return tr
}

// anyChunk draws up to 50 members of some events, of which some are carried, in
// the order of their first member.
func anyChunk(t *rapid.T) webhook.Chunk {
	c := webhook.Chunk{Task: "c_task"}
	seen := make(map[webhook.ID]bool)
	for range rapid.IntRange(0, 8).Draw(t, "events") {
		id, ws := anyID(t, "event"), webhook.WorkspaceID(rapid.StringN(0, 64, 64).Draw(t, "workspace"))
		members := rapid.IntRange(1, 6).Draw(t, "members")
		if seen[id] {
			continue
		}
		seen[id] = true
		for range members {
			c.Members = append(c.Members, webhook.Member{
				DeliveryID: anyID(t, "delivery"), EndpointID: anyID(t, "endpoint"), EventID: id, WorkspaceID: ws,
			})
		}
		if rapid.Bool().Draw(t, "carried") {
			c.Events = append(c.Events, webhook.CarriedEvent{
				ID: id, PublicID: rapid.String().Draw(t, "public id"), Type: rapid.String().Draw(t, "type"),
				Body: rapid.SliceOf(rapid.Byte()).Draw(t, "body"), Trace: anyTrace(t),
			})
		}
	}
	return c
}

func sameChunk(a, b webhook.Chunk) bool {
	if a.Task != b.Task || len(a.Events) != len(b.Events) || len(a.Members) != len(b.Members) {
		return false
	}
	for i := range a.Events {
		x, y := a.Events[i], b.Events[i]
		if !bytes.Equal(x.Body, y.Body) { // nil is empty here
			return false
		}
		if x.Body, y.Body = nil, nil; !reflect.DeepEqual(x, y) {
			return false
		}
	}
	return len(a.Members) == 0 || reflect.DeepEqual(a.Members, b.Members)
}

func TestCodec(t *testing.T) {
	t.Parallel()

	t.Run("ReadsWhatItWrote", func(t *testing.T) {
		t.Parallel()
		rapid.Check(t, func(t *rapid.T) {
			c := anyChunk(t)
			got, err := decodeChunk(c.Task, encodeChunk(c))
			if err != nil || !sameChunk(got, c) {
				t.Fatalf("%+v became %+v, %v", c, got, err)
			}
		})
	})

	t.Run("RefusesEveryPayloadThatIsCutShort", func(t *testing.T) {
		t.Parallel()
		payload := encodeChunk(sample(3, 20))
		for n := range payload {
			if _, err := decodeChunk("c_x", payload[:n]); err == nil {
				t.Errorf("takes %d bytes of %d", n, len(payload))
			}
		}
		if _, err := decodeChunk("c_x", append(bytes.Clone(payload), 0)); err == nil {
			t.Error("takes one byte too many")
		}
	})

	t.Run("RefusesAnotherVersion", func(t *testing.T) {
		t.Parallel()
		payload := encodeChunk(sample(1, 20))
		payload[0]++
		if _, err := decodeChunk("c_x", payload); err == nil {
			t.Error("takes it")
		}
	})

	t.Run("RefusesAMemberOfAnEventThatIsNotThere", func(t *testing.T) {
		t.Parallel()
		for _, place := range []byte{0, 1, 127} {
			payload := append([]byte{codecVersion, 0, 1, place}, make([]byte, 32)...)
			if _, err := decodeChunk("c_x", payload); err == nil {
				t.Errorf("takes event %d of none", place)
			}
		}
	})

	t.Run("WritesAnEventOnce", func(t *testing.T) {
		t.Parallel()
		payload := encodeChunk(sample(50, 1000))
		if n := bytes.Count(payload, bytes.Repeat([]byte{'x'}, 1000)); n != 1 {
			t.Errorf("the body stands there %d times", n)
		}
	})

	t.Run("LeavesOutEventsThatNoMemberIsOf", func(t *testing.T) {
		t.Parallel()
		c := sample(2, 100)
		c.Events = append(c.Events, webhook.CarriedEvent{ID: webhook.ID{9}, Body: []byte("nobody's")})
		if bytes.Contains(encodeChunk(c), []byte("nobody's")) {
			t.Error("it is there")
		}
	})

	t.Run("AllocatesNothingForCountsThatLie", func(t *testing.T) {
		t.Parallel()
		for _, count := range []uint64{51, 1 << 30, 1<<63 - 1, 1<<64 - 1} {
			events := binary.AppendUvarint([]byte{codecVersion}, count)
			length := binary.AppendUvarint(append([]byte{codecVersion, 1}, make([]byte, 16)...), count)
			for _, payload := range [][]byte{events, length, append([]byte{codecVersion, 0}, events[1:]...)} {
				var before, after runtime.MemStats
				runtime.ReadMemStats(&before)
				if _, err := decodeChunk("c_x", payload); err == nil {
					t.Errorf("takes a count of %d", count)
				}
				runtime.ReadMemStats(&after)
				if grown := after.TotalAlloc - before.TotalAlloc; grown > 100<<20 {
					t.Errorf("%d bytes for a count of %d", grown, count)
				}
			}
		}
	})
}

// sample is a chunk of one event with a body of that many bytes.
func sample(members, size int) webhook.Chunk {
	c := webhook.Chunk{Task: webhook.NewTask(webhook.LaneDeliver, now()), Events: []webhook.CarriedEvent{{
		ID: webhook.ID{1}, PublicID: "evt_1", Type: "a.b", Body: bytes.Repeat([]byte{'x'}, size),
	}}}
	for n := range members {
		c.Members = append(c.Members, webhook.Member{
			DeliveryID: webhook.ID{2, byte(n)}, EndpointID: webhook.ID{3, byte(n)}, EventID: webhook.ID{1}, WorkspaceID: "w",
		})
	}
	return c
}

// TestPayloadsWithoutATraceAreAsTheyWere: releases before tracing read them.
func TestPayloadsWithoutATraceAreAsTheyWere(t *testing.T) {
	t.Parallel()
	chunk := webhook.Chunk{Members: []webhook.Member{{WorkspaceID: "w"}}, Events: []webhook.CarriedEvent{{PublicID: "p", Type: "t", Body: []byte("b")}}}
	want := append([]byte{codecVersion, 1}, make([]byte, 16)...)
	want = append(want, "\x01w\x01\x01p\x01t\x01b\x01\x00"...)
	want = append(want, make([]byte, 32)...)
	if got := encodeChunk(chunk); !bytes.Equal(got, want) {
		t.Errorf("it is %q, want %q", got, want)
	}
}
