package api

import (
	"context"
	"net/http"
	"testing"
	"time"

	"github.com/postrider/postrider/internal/webhook"
)

func TestWriters(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 11, 27, 12, 0, 0, 0, time.UTC)
	me, other := webhook.NewID(now), webhook.NewID(now)
	by := func(method string, caller webhook.ID, ws webhook.WorkspaceID) *request {
		return &request{http: &http.Request{Method: method}, caller: caller, workspace: ws}
	}
	ws := &writers{}
	wants := func(claim string, r *request, want time.Time) {
		t.Helper()
		if got := webhook.Seen(ws.reads(context.Background(), r)); !got.Equal(want) {
			t.Errorf("%s: %s, want %s", claim, got, want)
		}
	}
	wants("nobody changed anything", by("GET", me, "w"), time.Time{})
	ws.wrote(by("GET", me, "w"), now)
	wants("reading is no change", by("GET", me, "w"), time.Time{})
	for _, method := range []string{"POST", "PUT", "PATCH", "DELETE"} {
		now = now.Add(time.Second)
		ws.wrote(by(method, me, "w"), now)
		wants(method, by("GET", me, "w"), now)
	}
	wants("another key", by("GET", other, "w"), time.Time{})
	wants("the admin in another workspace", by("GET", me, "v"), time.Time{})
	wants("who changes reads no list", by("POST", me, "w"), time.Time{})
	last := now
	ws.wrote(by("POST", other, "w"), now.Add(rememberWrite))
	wants("longer ago than lists may lag", by("GET", me, "w"), last)
	ws.wrote(by("POST", other, "w"), now.Add(2*rememberWrite))
	wants("and forgotten then", by("GET", me, "w"), time.Time{})
	var none *writers
	none.wrote(by("POST", me, "w"), now)
	if !webhook.Seen(none.reads(context.Background(), by("GET", me, "w"))).IsZero() {
		t.Error("without a replica something is known")
	}
}

func TestWritersAreRememberedWhereListsLag(t *testing.T) {
	t.Parallel()
	for _, lag := range []bool{false, true} {
		if got := newServer(Deps{}, Config{ListsLag: lag}.withDefaults()).writers; (got != nil) != lag {
			t.Errorf("lists lag: %v, writers: %v", lag, got)
		}
	}
}
