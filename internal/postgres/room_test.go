package postgres

import (
	"bytes"
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
	if buf, err := room(10_000).Encode([]byte("ab")); err != nil || string(buf) != "ab" || cap(buf) < 10_002 {
		t.Errorf("%q with room for %d: %v", buf, cap(buf), err)
	}
	if plain, roomy := sent(), sent(0, 10_000); plain != roomy {
		t.Errorf("%d bytes, and with room %d", len(plain), len(roomy))
	}
}
