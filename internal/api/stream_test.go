package api

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/postrider/postrider/internal/live"
	"github.com/postrider/postrider/internal/postgres"
	"github.com/postrider/postrider/internal/webhook"
)

// attempts are what a test tells of.
type attempts chan webhook.LiveAttempts

func (a attempts) Watch(ctx context.Context, _ webhook.WorkspaceID, tell func(webhook.LiveAttempts)) {
	for {
		select {
		case batch := <-a:
			tell(batch)
		case <-ctx.Done():
			return
		}
	}
}

func (b *bundle) streams(db *postgres.DB) *live.Hub {
	b.attempts = make(attempts)
	hub := live.New(postgres.NewLive(db), b.attempts, live.Config{Stopping: b.stopping, MaxPerOwner: 4})
	b.t.Cleanup(hub.Stop)
	return hub
}

// watcher reads a stream.
type watcher struct {
	t    testing.TB
	r    *bufio.Scanner
	end  context.CancelFunc
	last string // Last-Event-ID
}

// message is one of a stream.
type message struct{ event, data string }

// text is a field of its data.
func (m message) text(name string) string {
	var data map[string]any
	if json.Unmarshal([]byte(m.data), &data) != nil {
		return ""
	}
	return fmt.Sprint(data[name])
}

// watch opens a stream and waits until it has begun.
func (b *bundle) watch(key, query string, headers ...string) *watcher {
	b.t.Helper()
	ctx, cancel := context.WithTimeout(b.t.Context(), time.Minute)
	b.t.Cleanup(cancel)
	req, err := http.NewRequestWithContext(ctx, "GET", b.url+"/v1/stream"+query, nil)
	if err != nil {
		b.t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+key)
	for i := 0; i < len(headers); i += 2 {
		req.Header.Set(headers[i], headers[i+1])
	}
	resp, err := http.DefaultTransport.RoundTrip(req)
	if err != nil {
		b.t.Fatal(err)
	}
	b.t.Cleanup(func() { resp.Body.Close() })
	if resp.StatusCode != http.StatusOK {
		b.t.Fatalf("answered %d", resp.StatusCode)
	}
	conforms(b.t, req, resp.StatusCode, resp.Header, nil)
	w := &watcher{t: b.t, r: bufio.NewScanner(resp.Body), end: cancel}
	w.r.Buffer(nil, 4<<20)
	if m := w.any(); m.event != "" {
		b.t.Fatalf("begins with %v", m)
	}
	return w
}

// any is the next message, or sign of life; the zero one with the stream's end.
func (w *watcher) any() (m message) {
	said := false
	for w.r.Scan() {
		name, value, _ := strings.Cut(w.r.Text(), ":")
		value = strings.TrimPrefix(value, " ")
		switch {
		case w.r.Text() == "" && said:
			return m
		case name == "event":
			m.event = value
		case name == "data":
			m.data = value
		case name == "id":
			w.last = value
		}
		said = said || w.r.Text() != "" && name != "retry"
	}
	return message{event: "over"}
}

// next is the next message.
func (w *watcher) next() message {
	for {
		if m := w.any(); m.event != "" {
			return m
		}
	}
}

func (w *watcher) want(event, id string) message {
	w.t.Helper()
	m := w.next()
	if m.event != event || m.text("id") != id {
		w.t.Fatalf("got %s %s, want %s %s", m.event, m.data, event, id)
	}
	return m
}

// attempt is one of an event.
func attemptOf(eventType string, n int) webhook.LiveAttempt {
	return webhook.LiveAttempt{
		ID: webhook.ID{1}, DeliveryID: webhook.ID{2}, EndpointID: webhook.ID{3}, EventID: "e", EventType: eventType, Number: n,
		StartedAt: time.Now(), Duration: time.Millisecond, StatusCode: 200, Status: webhook.StatusSuccess,
	}
}

func TestStream(t *testing.T) {
	t.Parallel()

	t.Run("ShowsWhatIsAcceptedFromItsBeginningOn", func(t *testing.T) {
		t.Parallel()
		b := setup(t)
		key := b.workspace("w")
		b.publish(key, `{"type":"post.created","data":{},"id":"before"}`)
		w := b.watch(key, "")
		b.publish(key, `{"type":"post.created","data":{"title":"<a>","n":1.0},"id":"one"}`)
		m := w.want("event", "one")
		if !strings.Contains(m.data, `"data":{"object":{"title":"<a>","n":1.0}},"workspace_id":"w"}`) || m.text("type") != "post.created" {
			t.Errorf("shows %s", m.data)
		}
	})

	t.Run("OfAnotherWorkspaceNothing", func(t *testing.T) {
		t.Parallel()
		b := setup(t)
		key, other := b.workspace("w"), b.workspace("other")
		w := b.watch(key, "")
		b.publish(other, `{"type":"a","data":{},"id":"theirs"}`)
		b.publish(key, `{"type":"a","data":{},"id":"ours"}`)
		w.want("event", "ours")
	})

	t.Run("GoesOnWhereItBrokeOff", func(t *testing.T) {
		t.Parallel()
		b := setup(t)
		key := b.workspace("w")
		w := b.watch(key, "?kinds=event")
		b.publish(key, `{"type":"a","data":{},"id":"one"}`)
		w.want("event", "one")
		w.end()
		b.publish(key, `{"type":"a","data":{},"id":"two"}`)
		again := b.watch(key, "?kinds=event", "Last-Event-ID", w.last)
		seen := map[string]bool{}
		for !seen["two"] {
			seen[again.next().text("id")] = true
		}
		if delete(seen, "one"); len(seen) != 1 {
			t.Errorf("shows %v", seen)
		}
	})

	t.Run("BeginsInThePast", func(t *testing.T) {
		t.Parallel()
		b := setup(t)
		key := b.workspace("w")
		b.publish(key, `{"type":"a","data":{},"id":"one"}`)
		for _, since := range []string{"2020-01-01T00:00:00Z", "0001-01-01T00:00:01Z", time.Now().Add(-time.Hour).UTC().Format(time.RFC3339)} {
			b.watch(key, "?since="+since).want("event", "one")
		}
	})

	t.Run("ShowsWhatIsAskedFor", func(t *testing.T) {
		t.Parallel()
		b := setup(t)
		key := b.workspace("w")
		ep := b.subscriber(key, `["post.*"]`, `{"n":1}`)
		types, ofEndpoint := b.watch(key, "?types=post.*,user.deleted"), b.watch(key, "?endpoint="+ep+"&format=raw")
		b.publish(key, `{"type":"user.created","data":{},"id":"neither"}`)
		b.publish(key, `{"type":"post.created","data":{"n":2},"id":"types"}`)
		b.publish(key, `{"type":"post.created","data":{"n":1},"id":"both"}`)
		types.want("event", "types")
		types.want("event", "both")
		if m := ofEndpoint.want("event", "both"); !strings.Contains(m.data, `"payload":{"n":1}}`) {
			t.Errorf("shows %s", m.data)
		}
		b.call(key, "PATCH", "/v1/endpoints/"+ep, `{"filters":{"n":2}}`).want(http.StatusOK)
		eventually(t, func() bool { // what it wants is looked at every 2 s
			b.publish(key, `{"type":"post.created","data":{"n":2}}`)
			b.publish(key, `{"type":"post.created","data":{"n":1},"id":"x`+webhook.NewID(time.Now()).String()+`"}`)
			return strings.Contains(ofEndpoint.next().data, `{"n":2}`)
		})
		b.call(key, "DELETE", "/v1/endpoints/"+ep, "").want(http.StatusNoContent)
		for m := ofEndpoint.next(); m.event != "over"; m = ofEndpoint.next() {
			if m.event == "end" && m.text("code") == "not_found" {
				return
			}
		}
		t.Error("the stream of an endpoint that is gone ends without a word")
	})

	t.Run("RefusesWhatItDoesNotKnow", func(t *testing.T) {
		t.Parallel()
		b := setup(t)
		key := b.workspace("w")
		for _, query := range []string{"kinds=x", "kinds=event,", "types=a..b", "types=,", "format=xml", "since=yesterday", "limit=1"} {
			b.call(key, "GET", "/v1/stream?"+query, "").problem(http.StatusUnprocessableEntity, webhook.CodeInvalid)
		}
		b.call(key, "GET", "/v1/stream", "", "Last-Event-ID", "x").problem(http.StatusUnprocessableEntity, webhook.CodeInvalid)
		b.call(key, "GET", "/v1/stream?endpoint=ep_x", "").problem(http.StatusNotFound, webhook.CodeNotFound)
		b.call(b.workspace("v"), "GET", "/v1/stream?endpoint="+b.endpoint(key), "").problem(http.StatusNotFound, webhook.CodeNotFound)
	})

	t.Run("ShowsAttempts", func(t *testing.T) {
		t.Parallel()
		b := setup(t)
		w := b.watch(b.workspace("w"), "?kinds=attempt&types=post.*")
		b.attempts <- webhook.LiveAttempts{LeftOut: 3, Attempts: []webhook.LiveAttempt{attemptOf("post.created", 1)}}
		if m := w.next(); m.event != "gap" || m.data != `{"left_out":4}` {
			t.Errorf("shows %v", m)
		}
		b.attempts <- webhook.LiveAttempts{Attempts: []webhook.LiveAttempt{attemptOf("user.created", 1), attemptOf("post.created", 2)}}
		if m := w.next(); m.event != "attempt" || m.text("number") != "2" || m.text("status") != "success" || m.text("error") != "<nil>" {
			t.Errorf("shows %v", m)
		}
		b.attempts <- webhook.LiveAttempts{Broken: true}
		if m := w.next(); m.event != "gap" || m.data != `{"left_out":null}` {
			t.Errorf("shows %v", m)
		}
	})

	t.Run("EndsSoonAfterItsKeyWasRevoked", func(t *testing.T) {
		t.Parallel()
		b := setup(t)
		b.workspace("w")
		a := b.call(adminKey, "POST", "/v1/workspaces/w/keys", `{"name":"n"}`).want(http.StatusCreated)
		w := b.watch(a.text("key"), "")
		b.call(adminKey, "DELETE", "/v1/workspaces/w/keys/"+a.text("id"), "").want(http.StatusNoContent)
		if m := w.next(); m.event != "end" || m.text("code") != "unauthorized" {
			t.Errorf("ends with %v", m)
		}
		if m := w.next(); m.event != "over" {
			t.Errorf("goes on with %v", m)
		}
	})

	t.Run("EndsWithItsProcess", func(t *testing.T) {
		t.Parallel()
		b := setup(t)
		w := b.watch(b.workspace("w"), "")
		close(b.stopping)
		if m := w.next(); m.event != "over" {
			t.Errorf("goes on with %v", m)
		}
		b.call(adminKey, "GET", "/v1/stream", "", "X-Workspace-ID", "w").problem(http.StatusServiceUnavailable, webhook.CodeUnavailable)
	})

	t.Run("OfAKeyThereAreSoManyAtOnce", func(t *testing.T) {
		t.Parallel()
		b := setup(t)
		key := b.workspace("w")
		var open []*watcher
		for range 4 {
			open = append(open, b.watch(key, ""))
		}
		b.call(key, "GET", "/v1/stream", "").problem(http.StatusTooManyRequests, webhook.CodeRateLimited)
		b.watch(b.key("w"), "")
		open[0].end()
		eventually(t, func() bool { return b.call(key, "HEAD", "/v1/stream", "").status == http.StatusOK })
	})
}
