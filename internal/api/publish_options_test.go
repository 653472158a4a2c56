package api

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/postrider/postrider/internal/webhook"
)

func TestPublishTo(t *testing.T) {
	t.Parallel()
	b := setup(t)
	key := b.workspace("456")
	one, two, off := b.endpoint(key), b.endpoint(key), b.endpoint(key)
	picky := b.subscriber(key, `["post.*"]`, `{"id":1}`)
	gone := b.endpoint(key)
	b.call(key, "DELETE", "/v1/endpoints/"+gone, "").want(http.StatusNoContent)
	b.call(key, "PATCH", "/v1/endpoints/"+off, `{"is_active":false}`).want(http.StatusOK)
	strangers := b.endpoint(b.workspace("other"))
	nobodys := webhook.NewID(time.Now()).Format(webhook.EndpointPrefix)
	to := func(ids ...string) string { return `{"type":"post.created","data":{"id":2},` + targets(ids...) + `}` }

	t.Run("OnlyThoseAreConsidered", func(t *testing.T) {
		for body, want := range map[string]string{to(one): "1", to(one, two, one): "2", to(one, off, picky): "1", to(off): "0", to(picky): "0"} {
			wantFields(t, b.call(key, "POST", "/v1/events", body).want(http.StatusAccepted).object(), map[string]string{"deliveries": want})
		}
		wantFields(t, b.call(key, "POST", "/v1/events", `{"type":"a","data":{},"endpoint_ids":null}`).want(http.StatusAccepted).object(), map[string]string{"deliveries": "2"})
	})
	t.Run("ComesBackAsGiven", func(t *testing.T) {
		id := b.publish(key, to(two, one, two))
		wantFields(t, b.call(key, "GET", "/v1/events/"+id, "").want(http.StatusOK).object(), map[string]string{
			"endpoint_ids": fmt.Sprintf("[%s %s %s]", two, one, two), "deliver_at": "<nil>",
		})
		id = b.publish(key, `{"type":"a","data":{}}`)
		a := b.call(key, "GET", "/v1/events/"+id, "").want(http.StatusOK)
		if !strings.Contains(string(a.raw), `"endpoint_ids":null,"deliver_at":null`) {
			t.Errorf("got %s", a.raw)
		}
	})
	t.Run("UnknownOnesAreRefused", func(t *testing.T) {
		for _, bad := range []string{nobodys, gone, strangers, "ep_x", "evt_01kqxg5wdgf0m8c4yb2h3t9v6z", ""} {
			b.call(key, "POST", "/v1/events", to(one, bad)).problem(422, webhook.CodeInvalid, "/endpoint_ids/1")
		}
		batch := `{"events":[{"type":"a","data":{}},` + to(one) + `,` + to(two, nobodys) + `,` + to(gone) + `]}`
		before := b.number("SELECT count(*) FROM events")
		b.call(key, "POST", "/v1/events/batch", batch).problem(422, webhook.CodeInvalid, "/events/2/endpoint_ids/1", "/events/3/endpoint_ids/0")
		if n := b.number("SELECT count(*) FROM events"); n != before {
			t.Errorf("%d events of it were stored", n-before)
		}
		b.admin("nobody", "POST", "/v1/events", to(one)).problem(404, webhook.CodeNotFound)
	})
	t.Run("InABatchEachHasItsOwn", func(t *testing.T) {
		batch := `{"events":[{"type":"a","data":{}},` + to(one) + `,` + to(one, two) + `]}`
		got := b.call(key, "POST", "/v1/events/batch", batch).want(http.StatusAccepted).data()
		if s := fmt.Sprintf("%v %v %v", got[0]["deliveries"], got[1]["deliveries"], got[2]["deliveries"]); s != "2 1 2" {
			t.Errorf("they made %s deliveries", s)
		}
	})
	t.Run("AnEventGivenTwiceIsTheFirstWhateverBecameOfItsEndpoints", func(t *testing.T) {
		leaving := b.endpoint(key)
		body := `{"id":"twice","type":"a","data":{},` + targets(leaving) + `}`
		first := b.call(key, "POST", "/v1/events", body).want(http.StatusAccepted)
		b.call(key, "DELETE", "/v1/endpoints/"+leaving, "").want(http.StatusNoContent)
		if again := b.call(key, "POST", "/v1/events", body).want(http.StatusOK); string(again.raw) != string(first.raw) {
			t.Errorf("got %s, then %s", first.raw, again.raw)
		}
		b.call(key, "POST", "/v1/events/batch", `{"events":[`+body+`]}`).want(http.StatusAccepted)
		b.call(key, "POST", "/v1/events", strings.Replace(body, "twice", "never", 1)).problem(422, webhook.CodeInvalid, "/endpoint_ids/0")
	})
	t.Run("ExplainSaysWhoWasNotMeant", func(t *testing.T) {
		id := b.publish(key, `{"type":"post.created","data":{"id":2},`+targets(one, picky)+`}`)
		later := b.endpoint(key)
		a := b.call(key, "GET", "/v1/events/"+id+"/explain", "")
		for _, other := range []string{two, off, later} {
			wantFields(t, a.explained(other), map[string]string{"reason": "not_targeted", "as_of": "accepted", "matched": "false", "delivery": "<nil>"})
			wantFields(t, a.explained(other)["now"].(map[string]any), map[string]string{"reason": "not_targeted", "matched": "false"})
		}
		wantFields(t, a.explained(one), map[string]string{"reason": "pending", "matched": "true"})
		wantFields(t, a.explained(picky), map[string]string{"reason": "filter_mismatch", "matched": "false"})
	})
	t.Run("AReplayGoesToThemAloneUnlessOthersAreNamed", func(t *testing.T) {
		id := b.publish(key, to(one))
		wantFields(t, b.call(key, "POST", "/v1/events/"+id+"/replay", "").want(http.StatusAccepted).object(), map[string]string{"total": "1"})
		wantFields(t, b.call(key, "POST", "/v1/events/"+id+"/replay", `{`+targets(two)+`}`).want(http.StatusAccepted).object(), map[string]string{"total": "1"})
		wantFields(t, b.call(key, "GET", "/v1/events/"+id+"/explain", "").explained(two), map[string]string{"reason": "pending", "matched": "true"})
	})
	t.Run("BadInput", func(_ *testing.T) {
		for in, pointer := range map[string]string{
			`"endpoint_ids":[]`: "/endpoint_ids", `"endpoint_ids":{}`: "/endpoint_ids", `"endpoint_ids":"` + one + `"`: "/endpoint_ids",
			`"endpoint_ids":[5]`: "/endpoint_ids/0", `"endpoint_ids":[null]`: "/endpoint_ids/0", targets(one) + `,` + targets(two): "/endpoint_ids",
			`"endpoint_ids":["` + strings.Repeat(one+`","`, 100) + one + `"]`: "/endpoint_ids",
		} {
			b.call(key, "POST", "/v1/events", `{"type":"a","data":{},`+in+`}`).problem(422, webhook.CodeInvalid, pointer)
			b.call(key, "POST", "/v1/events/batch", `{"events":[{"type":"a","data":{},`+in+`}]}`).problem(422, webhook.CodeInvalid, "/events/0"+pointer)
		}
		b.call(key, "POST", "/v1/events", `{"type":"a","data":{},"endpoint_ids":["`+strings.Repeat(one+`","`, 99)+one+`"]}`).want(http.StatusAccepted)
		b.call(key, "POST", "/v1/explain", `{"type":"a","data":{},`+targets(one)+`,"deliver_at":"2030-01-01T00:00:00Z"}`).
			problem(422, webhook.CodeInvalid, "/endpoint_ids", "/deliver_at")
	})
}

func targets(ids ...string) string { return `"endpoint_ids":["` + strings.Join(ids, `","`) + `"]` }

func TestPublishFor(t *testing.T) {
	t.Parallel()
	b := setup(t, func(_ *Deps, c *Config) { c.MaxDelay = 3 * 24 * time.Hour })
	key := b.workspace("456")
	endpoint := b.endpoint(key)
	at := func(d time.Duration) string { return time.Now().Add(d).UTC().Format(time.RFC3339Nano) }
	body := func(when string) string { return `{"type":"a","data":{},"deliver_at":"` + when + `"}` }

	t.Run("ComesBackAndIsWhenTheDeliveryIsDue", func(t *testing.T) {
		when := time.Now().Add(2 * time.Hour).UTC().Truncate(time.Second).Format(time.RFC3339)
		id := b.publish(key, body(when))
		wantFields(t, b.call(key, "GET", "/v1/events/"+id, "").want(http.StatusOK).object(), map[string]string{"deliver_at": when, "endpoint_ids": "<nil>"})
		d := b.call(key, "GET", "/v1/events/"+id+"/deliveries", "").want(http.StatusOK).data()[0]
		wantFields(t, d, map[string]string{"status": "pending", "next_attempt_at": when, "attempts": "0", "held_reason": "<nil>"})
		wantFields(t, b.call(key, "GET", "/v1/events/"+id+"/explain", "").explained(endpoint), map[string]string{
			"reason": "pending", "until": when, "detail": "its first attempt was published for a time of its own (deliver_at)",
		})
		b.call(key, "POST", "/v1/deliveries/"+fmt.Sprint(d["id"])+"/cancel", "").want(http.StatusAccepted)
		b.call(key, "POST", "/v1/deliveries/"+fmt.Sprint(d["id"])+"/retry", "").want(http.StatusAccepted)
	})
	t.Run("InThePastIsAtOnce", func(t *testing.T) {
		id := b.publish(key, body("2024-01-15T11:30:00.5+01:00"))
		wantFields(t, b.call(key, "GET", "/v1/events/"+id, "").want(http.StatusOK).object(), map[string]string{"deliver_at": "2024-01-15T10:30:00.5Z"})
		if n := b.number("SELECT count(*) FROM deliveries WHERE task IS NOT NULL AND next_attempt_at <= now()"); n != 1 {
			t.Errorf("%d deliveries are on their way", n)
		}
	})
	t.Run("GoesAsFarAsTheRetentionAllows", func(t *testing.T) {
		b.publish(key, body(at(71*time.Hour)))
		a := b.call(key, "POST", "/v1/events", body(at(73*time.Hour))).problem(422, webhook.CodeInvalid, "/deliver_at")
		if !strings.Contains(string(a.raw), "72 hours") {
			t.Errorf("it does not say how far: %s", a.raw)
		}
		b.call(key, "POST", "/v1/events/batch", `{"events":[`+body(at(time.Hour))+`,`+body(at(73*time.Hour))+`]}`).problem(422, webhook.CodeInvalid, "/events/1/deliver_at")
	})
	t.Run("InABatchEachHasItsOwn", func(_ *testing.T) {
		b.call(key, "POST", "/v1/events/batch", `{"events":[`+body(at(time.Hour))+`,{"type":"b","data":{}}]}`).want(http.StatusAccepted)
	})
	t.Run("BadInput", func(_ *testing.T) {
		for _, in := range []string{`5`, `"now"`, `"2030-01-15"`, `"2030-01-15T10:30:00"`, `""`, `{}`, `true`} {
			b.call(key, "POST", "/v1/events", `{"type":"a","data":{},"deliver_at":`+in+`}`).problem(422, webhook.CodeInvalid, "/deliver_at")
		}
		b.call(key, "POST", "/v1/events", `{"type":"a","data":{},"deliver_at":null,"deliver_at":null}`).problem(422, webhook.CodeInvalid, "/deliver_at")
		b.call(key, "POST", "/v1/events", `{"type":"a","data":{},"deliver_at":null}`).want(http.StatusAccepted)
	})
}
