package postgres

import (
	"bytes"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5/pgproto3"
)

// Room for a batch is nothing that Postgres sees.
func TestRoomIsNoMessage(t *testing.T) {
	t.Parallel()
	sent := func(before ...room) string {
		var out bytes.Buffer
		f := pgproto3.NewFrontend(nil, &out)
		for _, r := range before {
			f.Send(r)
		}
		f.SendBind(&pgproto3.Bind{PreparedStatement: "s", Parameters: [][]byte{bytes.Repeat([]byte("p"), 5000), nil}})
		if err := f.Flush(); err != nil {
			t.Fatal(err)
		}
		return out.String()
	}
	if buf, err := (room{&buffer{}, 10_000}).Encode([]byte("ab")); err != nil || string(buf) != "ab" || cap(buf) < 10_002 {
		t.Errorf("%q with room for %d: %v", buf, cap(buf), err)
	}
	if plain, roomy := sent(), sent(room{&buffer{}, 0}, room{&buffer{}, 10_000}, room{}); plain != roomy {
		t.Errorf("%d bytes, and with room %d", len(plain), len(roomy))
	}
}

// What is lent is not written to once it is taken back, though pgx keeps the buffer of a small message.
func TestRoomIsTakenBack(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	f := pgproto3.NewFrontend(nil, &out)
	for _, size := range []int{10, 5000} {
		lent := &buffer{}
		f.Send(room{lent, size})
		f.SendQuery(&pgproto3.Query{String: strings.Repeat("q", size)})
		if err := f.Flush(); err != nil {
			t.Fatal(err)
		}
		f.Send(room{})
		out.Reset()
		f.SendQuery(&pgproto3.Query{String: "another"})
		clear(lent.all[:cap(lent.all)])
		if err := f.Flush(); err != nil || !bytes.Contains(out.Bytes(), []byte("another")) {
			t.Errorf("after a message of %d bytes the next is %q: %v", size, out.Bytes(), err)
		}
	}
}

func TestBufferIsUsedAgainUpToASize(t *testing.T) {
	t.Parallel()
	b := &buffer{}
	first := append(b.grow([]byte("ab"), 100), "cd"...)
	if again := b.grow([]byte("x"), 100); string(first[:1]) != "x" || string(again) != "x" || cap(again) < minBuffer {
		t.Errorf("%q was written beside %q", again, first)
	}
	b.grow(nil, maxBuffer+1)
	if b.putBack(); b.all != nil {
		t.Errorf("%d bytes are kept", cap(b.all))
	}
}
