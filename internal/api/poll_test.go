package api

import (
	"net/url"
	"testing"
	"time"
)

// eventually waits for what another process would take up to 2 s to know.
func eventually(t testing.TB, ok func() bool) {
	t.Helper()
	deadline := time.Now().Add(10 * time.Second)
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for !ok() {
		if time.Now().After(deadline) {
			t.Fatal("did not happen in time")
		}
		<-tick.C
	}
}

// all follows next_cursor to the end and returns one field of every row.
func (b *bundle) all(key, path, field string) (out []string) {
	b.t.Helper()
	next := path
	for range 100 {
		a := b.call(key, "GET", next, "").want(200)
		for _, row := range a.data() {
			s, _ := row[field].(string)
			out = append(out, s)
		}
		cursor, ok := a.object()["next_cursor"].(string)
		if !ok {
			return out
		}
		next = path + "&cursor=" + url.QueryEscape(cursor)
	}
	b.t.Fatal("the list does not end")
	return nil
}
