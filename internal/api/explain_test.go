package api

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/postrider/postrider/internal/webhook"
)

// subscriber creates an endpoint with these events and filters.
func (b *bundle) subscriber(key, events, filters string) string {
	b.t.Helper()
	return b.call(key, "POST", "/v1/endpoints", fmt.Sprintf(`{"url":"https://example.com/hook","events":%s,"filters":%s}`, events, filters)).
		want(http.StatusCreated).text("id")
}

// explained is what is said of one endpoint.
func (a *answer) explained(endpoint string) map[string]any {
	a.t.Helper()
	for _, item := range a.want(http.StatusOK).data() {
		if item["endpoint_id"] == endpoint {
			return item
		}
	}
	a.t.Fatalf("no endpoint %s in %s", endpoint, a.raw)
	return nil
}

// wantFields compares some of an object's fields, as they print.
func wantFields(t *testing.T, got map[string]any, want map[string]string) {
	t.Helper()
	for field, value := range want {
		if fmt.Sprint(got[field]) != value {
			t.Errorf("%s is %v, want %s; all: %v", field, got[field], value, got)
		}
	}
}

func TestExplainHasEachConditionThatDoesNotHold(t *testing.T) {
	t.Parallel()
	b := setup(t)
	key := b.workspace("456")
	several := b.subscriber(key, `["*"]`, `{"status":"published","author.id":7,"$not":{"n":1},"ok":true}`)
	a := b.call(key, "POST", "/v1/explain", `{"type":"a","data":{"status":"draft","n":1,"ok":true}}`)
	wantFields(t, a.explained(several), map[string]string{
		"path": "status", "found": "draft", "other_mismatches": "[map[found:<nil> missing:true path:author.id wanted:7] map[path:$not wanted:map[n:1]]]",
	})
}

func TestExplainEvent(t *testing.T) {
	t.Parallel()
	b := setup(t)
	w := newWorker(b)
	key := b.workspace("456")
	explain := func(event string) *answer { return b.call(key, "GET", "/v1/events/"+event+"/explain", "") }

	all := b.subscriber(key, `["*"]`, `{}`)
	typo := b.subscriber(key, `["user.*","post.created"]`, `{}`)
	picky := b.subscriber(key, `["posts.*"]`, `{"status":"published"}`)
	missing := b.subscriber(key, `["posts.*"]`, `{"author.id":{"$exists":true}}`)
	either := b.subscriber(key, `["posts.*"]`, `{"$or":[{"a":1},{"b":2}]}`)
	off := b.subscriber(key, `["*"]`, `{}`)
	b.call(key, "PATCH", "/v1/endpoints/"+off, `{"is_active":false}`).want(http.StatusOK)
	event := b.publish(key, `{"id":"own","type":"posts.created","data":{"status":"draft","n":1.0}}`)
	later := b.subscriberLater(key, event)

	t.Run("FirstReasonWhyNot", func(t *testing.T) {
		a := explain(event)
		wantFields(t, a.want(http.StatusOK).object(), map[string]string{
			"event_id": "own", "type": "posts.created", "workspace_id": "456", "deliveries": "1", "payload_kept": "true", "next_cursor": "<nil>",
		})
		wantFields(t, a.explained(typo), map[string]string{
			"delivered": "false", "matched": "false", "reason": "type_mismatch", "nearest_type": "post.created", "as_of": "accepted", "delivery": "<nil>",
			"detail": "the endpoint does not subscribe to posts.created; did you mean post.created?",
		})
		wantFields(t, a.explained(picky), map[string]string{
			"reason": "filter_mismatch", "path": "status", "wanted": "published", "found": "draft", "missing": "false", "as_of": "accepted",
		})
		wantFields(t, a.explained(missing), map[string]string{
			"reason": "filter_mismatch", "path": "author.id", "wanted": "map[$exists:true]", "found": "<nil>", "missing": "true",
		})
		wantFields(t, a.explained(either), map[string]string{"reason": "filter_mismatch", "path": "$or", "wanted": "[map[a:1] map[b:2]]", "missing": "<nil>"})
		wantFields(t, a.explained(off), map[string]string{"reason": "inactive", "as_of": "accepted", "matched": "false"})
		if a.explained(off)["since"] == nil {
			t.Error("since when it is inactive is not said")
		}
		wantFields(t, a.explained(later), map[string]string{"reason": "created_later", "as_of": "accepted", "matched": "false"})
		wantFields(t, a.explained(later)["now"].(map[string]any), map[string]string{"matched": "true", "reason": "<nil>"})
		if len(a.data()) != 7 {
			t.Errorf("%d endpoints of 7", len(a.data()))
		}
	})
	t.Run("DeliveryThatIsNotDoneSaysWhy", func(t *testing.T) {
		id := fmt.Sprint(explain(event).explained(all)["delivery"].(map[string]any)["id"])
		wantFields(t, explain(event).explained(all), map[string]string{"delivered": "false", "matched": "true", "reason": "pending", "as_of": "now"})
		w.record("456", id, webhook.StatusPending, nil)
		got := explain(event).explained(all)
		wantFields(t, got, map[string]string{"reason": "pending", "detail": "it is tried again after the receiver answered 500"})
		wantFields(t, got["delivery"].(map[string]any), map[string]string{
			"id": id, "status": "pending", "attempts": "1", "status_code": "500", "error": "the receiver answered 500", "error_class": "status",
		})
		if got["until"] == nil || got["until"] != got["delivery"].(map[string]any)["next_attempt_at"] {
			t.Errorf("until is %v", got["until"])
		}
		b.exec(`INSERT INTO endpoint_health (endpoint_id, workspace_id, failures, failing_since, open_until)
			SELECT id, workspace_id, 20, now(), now() + interval '1 hour' FROM endpoints WHERE id = $1
			ON CONFLICT (endpoint_id) DO UPDATE SET open_until = excluded.open_until`, uuidOf(t, webhook.EndpointPrefix, all))
		got = explain(event).explained(all)
		wantFields(t, got, map[string]string{"delivered": "false", "reason": "breaker_open"})
		wantFields(t, got["now"].(map[string]any), map[string]string{"matched": "true", "reason": "breaker_open"})
		if got["until"] == nil || got["now"].(map[string]any)["until"] == nil {
			t.Errorf("until when is not said: %v", got)
		}
		b.exec("UPDATE endpoint_health SET open_until = now() - interval '1 second'") // a probe is due, and nothing else goes
		got = explain(event).explained(all)
		wantFields(t, got, map[string]string{"delivered": "false", "reason": "breaker_open"})
		wantFields(t, got["now"].(map[string]any), map[string]string{"matched": "true", "reason": "breaker_open"})
		w.record("456", id, webhook.StatusFailed, nil)
		wantFields(t, explain(event).explained(all), map[string]string{"delivered": "false", "reason": "failed", "detail": "the receiver answered 500"})
		b.exec("DELETE FROM endpoint_health")
	})
	t.Run("DeliveredHasNoReason", func(t *testing.T) {
		other := b.publish(key, `{"type":"x","data":{}}`)
		id := fmt.Sprint(explain(other).explained(all)["delivery"].(map[string]any)["id"])
		w.record("456", id, webhook.StatusSuccess, nil)
		got := explain(other).explained(all)
		wantFields(t, got, map[string]string{"delivered": "true", "matched": "true", "reason": "<nil>", "detail": "<nil>", "as_of": "<nil>"})
		if _, ok := got["reason"]; !ok {
			t.Error("reason is left out")
		}
	})
	t.Run("RateLimitHolds", func(t *testing.T) {
		other := b.publish(key, `{"type":"x","data":{}}`)
		raw := uuidOf(t, webhook.EndpointPrefix, all)
		b.exec(`UPDATE deliveries SET parked = true, task = NULL, held_reason = 'rate_limit', held_until = now() + interval '1 minute'
			WHERE endpoint_id = $1 AND status = 'pending'`, raw)
		b.exec("INSERT INTO parked_endpoints (endpoint_id, workspace_id, reason, next_check_at) VALUES ($1, '456', 'rate_limit', now() + interval '1 minute')", raw)
		got := explain(other).explained(all)
		wantFields(t, got, map[string]string{"reason": "rate_limit", "matched": "true"})
		wantFields(t, got["now"].(map[string]any), map[string]string{"matched": "true", "reason": "rate_limit"})
		if got["until"] == nil || got["now"].(map[string]any)["until"] == nil {
			t.Errorf("until when is not said: %v", got)
		}
		b.exec("DELETE FROM parked_endpoints")
	})
	t.Run("ChangedSince", func(t *testing.T) {
		b.call(key, "PATCH", "/v1/endpoints/"+typo, `{"events":["posts.*"]}`).want(http.StatusOK)
		b.call(key, "PATCH", "/v1/endpoints/"+picky, `{"filters":{"status":"gone"}}`).want(http.StatusOK)
		b.call(key, "PATCH", "/v1/endpoints/"+off, `{"description":"still off"}`).want(http.StatusOK)
		b.call(key, "PATCH", "/v1/endpoints/"+missing, `{"is_active":false}`).want(http.StatusOK)
		a := explain(event)
		wantFields(t, a.explained(typo), map[string]string{"reason": "changed_later", "as_of": "accepted"})
		wantFields(t, a.explained(typo)["now"].(map[string]any), map[string]string{"matched": "true", "reason": "<nil>"})
		wantFields(t, a.explained(picky), map[string]string{"reason": "filter_mismatch", "wanted": "gone", "as_of": "now"})
		wantFields(t, a.explained(off), map[string]string{"reason": "inactive", "as_of": "accepted"})
		wantFields(t, a.explained(missing), map[string]string{"reason": "filter_mismatch", "as_of": "now"})
		wantFields(t, a.explained(missing)["now"].(map[string]any), map[string]string{"reason": "inactive", "matched": "false"})
	})
	t.Run("LongValuesAreCut", func(t *testing.T) {
		other := b.publish(key, `{"type":"posts.x","data":{"status":"`+strings.Repeat("ä", 2000)+`"}}`)
		got := explain(other).explained(picky)
		found, _ := got["found"].(string)
		wantFields(t, got, map[string]string{"truncated": "true", "wanted": "gone"})
		if len(found) < 1000 || len(found) > 1030 || !strings.HasPrefix(found, `"ää`) || !strings.HasSuffix(found, "ä…") {
			t.Errorf("got %d bytes: %.20s", len(found), found)
		}
	})
	t.Run("PayloadExpired", func(t *testing.T) {
		b.exec("UPDATE events SET body = NULL WHERE external_id = 'own'")
		a := explain(event)
		wantFields(t, a.object(), map[string]string{"payload_kept": "false"})
		wantFields(t, a.explained(either), map[string]string{"reason": "payload_expired", "path": "<nil>"})
		wantFields(t, a.explained(typo)["now"].(map[string]any), map[string]string{"matched": "true"})
		wantFields(t, a.explained(off), map[string]string{"reason": "inactive"})
	})
	t.Run("InPages", func(t *testing.T) {
		for _, limit := range []int{1, 2, 250} {
			if got := b.all(key, fmt.Sprintf("/v1/events/own/explain?limit=%d", limit), "endpoint_id"); len(got) != 7 || got[0] != later || got[6] != all {
				t.Errorf("limit %d: got %v", limit, got)
			}
		}
		if got := b.all(key, "/v1/events/own/explain?endpoint_id="+picky, "endpoint_id"); len(got) != 1 || got[0] != picky {
			t.Errorf("got %v", got)
		}
		for _, nobody := range []string{"x", webhook.NewID(time.Now()).Format(webhook.EndpointPrefix)} {
			if got := b.all(key, "/v1/events/own/explain?endpoint_id="+nobody, "endpoint_id"); len(got) != 0 {
				t.Errorf("got %v", got)
			}
		}
	})
	t.Run("AnotherWorkspacesEndpointsDoNotShow", func(t *testing.T) {
		stranger := b.workspace("stranger")
		own := b.publish(stranger, `{"type":"posts.created","data":{}}`)
		for _, path := range []string{"", "?endpoint_id=" + all} {
			if got := b.all(stranger, "/v1/events/"+own+"/explain"+path, "endpoint_id"); len(got) != 0 {
				t.Errorf("got %v", got)
			}
		}
		b.call(stranger, "GET", "/v1/events/own/explain", "").problem(http.StatusNotFound, webhook.CodeNotFound)
	})
}

// subscriberLater is one that is created a millisecond after the event, or more.
func (b *bundle) subscriberLater(key, event string) string {
	b.t.Helper()
	text := b.call(key, "GET", "/v1/events/"+event, "").text("accepted_at")
	at, err := time.Parse(time.RFC3339Nano, text)
	if err != nil {
		b.t.Fatal(err)
	}
	<-time.After(time.Until(at.Add(2 * time.Millisecond)))
	return b.subscriber(key, `["*"]`, `{}`)
}

func TestExplainDryRun(t *testing.T) {
	t.Parallel()
	b := setup(t)
	key := b.workspace("w")
	all := b.subscriber(key, `["*"]`, `{}`)
	picky := b.subscriber(key, `["post.*"]`, `{"n":{"$gt":5}}`)
	off := b.subscriber(key, `["*"]`, `{}`)
	b.call(key, "PATCH", "/v1/endpoints/"+off, `{"is_active":false}`).want(http.StatusOK)

	t.Run("SaysWhatWouldBecomeOfIt", func(t *testing.T) {
		a := b.call(key, "POST", "/v1/explain", `{"type":"post.created","data":{"n":5}}`)
		wantFields(t, a.explained(all), map[string]string{"matched": "true", "reason": "<nil>"})
		wantFields(t, a.explained(picky), map[string]string{"matched": "false", "reason": "filter_mismatch", "path": "n", "wanted": "map[$gt:5]", "found": "5"})
		wantFields(t, a.explained(off), map[string]string{"matched": "false", "reason": "inactive"})
		a = b.call(key, "POST", "/v1/explain?endpoint_id="+picky, `{"type":"post.created","data":{"n":6}}`)
		wantFields(t, a.explained(picky), map[string]string{"matched": "true"})
		if len(a.data()) != 1 {
			t.Errorf("got %s", a.raw)
		}
	})
	t.Run("PublishesNothing", func(t *testing.T) {
		if got := b.all(key, "/v1/events", "id"); len(got) != 0 {
			t.Errorf("got %v", got)
		}
	})
	t.Run("InPages", func(t *testing.T) {
		first := b.call(key, "POST", "/v1/explain?limit=2", `{"type":"a","data":{}}`).want(http.StatusOK)
		second := b.call(key, "POST", "/v1/explain?limit=2&cursor="+first.text("next_cursor"), `{"type":"a","data":{}}`).want(http.StatusOK)
		if len(first.data()) != 2 || len(second.data()) != 1 || second.object()["next_cursor"] != nil {
			t.Errorf("got %s and %s", first.raw, second.raw)
		}
	})
	t.Run("BadInput", func(_ *testing.T) {
		for in, pointer := range map[string]string{
			`{}`: "/type", `{"type":"a"}`: "/data", `{"type":"a.*","data":{}}`: "/type", `{"type":"a","data":[]}`: "/data", `[]`: "",
			`{"type":"a","data":{},"id":"x"}`: "/id", `{"type":"a","data":{},"ordering_key":"k"}`: "/ordering_key", `{"type":"a","data":{},"x":1}`: "/x", `{"type":"a","data":{"x":"\ud800"}}`: "/data/x",
		} {
			b.call(key, "POST", "/v1/explain", in).problem(http.StatusUnprocessableEntity, webhook.CodeInvalid, pointer)
		}
		b.call(key, "POST", "/v1/explain?limit=0", `{"type":"a","data":{}}`).problem(http.StatusUnprocessableEntity, webhook.CodeInvalid, "limit")
	})
}
