package api

import (
	"net/http"
	"strings"
	"testing"

	"github.com/postrider/postrider/internal/webhook"
)

func TestOrderingKey(t *testing.T) {
	t.Parallel()
	b := setup(t)
	key := b.workspace("456")
	b.endpoint(key)
	post := func(path, body string) *answer {
		return b.call(key, "POST", path, body, "Content-Type", "application/json")
	}

	t.Run("IsShownWithTheEventAndItsDeliveries", func(t *testing.T) {
		for _, k := range []string{"order-123", "Bestellung № 5 / ü", "~!@ #", strings.Repeat("ü", 128)} {
			id := post("/v1/events", `{"type":"a","data":{},"ordering_key":"`+k+`"}`).want(http.StatusAccepted).text("id")
			if got := b.call(key, "GET", "/v1/events/"+id, "").want(http.StatusOK).text("ordering_key"); got != k {
				t.Errorf("the event has the key %q, want %q", got, k)
			}
			a := b.call(key, "GET", "/v1/events/"+id+"/deliveries", "").want(http.StatusOK)
			if !strings.Contains(string(a.raw), `"ordering_key":"`+k+`"`) {
				t.Errorf("the delivery shows %s", a.raw)
			}
		}
	})
	t.Run("OfABatchHoldsForEachEvent", func(t *testing.T) {
		a := post("/v1/events/batch", `{"events":[{"id":"b1","type":"a","data":{},"ordering_key":"b"},{"id":"b2","type":"a","data":{},"ordering_key":"b"},{"id":"b3","type":"a","data":{}}]}`)
		a.want(http.StatusAccepted)
		for id, want := range map[string]string{"b1": `"held_reason":null`, "b2": `"held_reason":"ordering"`, "b3": `"ordering_key":null`} {
			if a := b.call(key, "GET", "/v1/events/"+id+"/deliveries", "").want(http.StatusOK); !strings.Contains(string(a.raw), want) {
				t.Errorf("%s has %s", id, a.raw)
			}
		}
		if a := b.call(key, "GET", "/v1/events/b2/explain", "").want(http.StatusOK); !strings.Contains(string(a.raw), `"reason":"ordering"`) {
			t.Errorf("it is explained by %s", a.raw)
		}
	})
	t.Run("NullMeansNone", func(t *testing.T) {
		id := post("/v1/events", `{"type":"a","data":{},"ordering_key":null}`).want(http.StatusAccepted).text("id")
		if a := b.call(key, "GET", "/v1/events/"+id, "").want(http.StatusOK); !strings.Contains(string(a.raw), `"ordering_key":null`) {
			t.Errorf("got %s", a.raw)
		}
	})
	t.Run("GoesWithTargetsAndAnIdempotencyKey", func(t *testing.T) {
		target := b.endpoint(key)
		body := `{"type":"a","data":{},"ordering_key":"t","endpoint_ids":["` + target + `"]}`
		once := func() *answer {
			return b.call(key, "POST", "/v1/events", body, "Content-Type", "application/json", "Idempotency-Key", "t")
		}
		id := once().want(http.StatusAccepted).text("id")
		if again := once().want(http.StatusAccepted).text("id"); again != id {
			t.Errorf("made again as %s", again)
		}
		event := b.call(key, "GET", "/v1/events/"+id, "").want(http.StatusOK)
		if got := event.text("ordering_key"); got != "t" || !strings.Contains(string(event.raw), `"endpoint_ids":["`+target+`"]`) {
			t.Errorf("the event shows %s", event.raw)
		}
		all := b.call(key, "GET", "/v1/events/"+id+"/deliveries", "").want(http.StatusOK)
		if strings.Count(string(all.raw), `"id":"dlv_`) != 1 || !strings.Contains(string(all.raw), `"endpoint_id":"`+target+`"`) || !strings.Contains(string(all.raw), `"held_reason":null`) {
			t.Errorf("the deliveries are %s", all.raw)
		}
	})
	t.Run("HasNoTimeOfItsOwn", func(_ *testing.T) {
		post("/v1/events", `{"type":"a","data":{},"ordering_key":"a","deliver_at":"2030-01-01T00:00:00Z"}`).
			problem(http.StatusUnprocessableEntity, webhook.CodeInvalid, "/deliver_at")
	})
	t.Run("BadInput", func(_ *testing.T) {
		for _, in := range []string{`""`, `5`, `["a"]`, `"a\u0000"`, `"a\nb"`, `"\u007f"`, `"\u200b"`, `"` + strings.Repeat("ü", 129) + `"`, `"a","ordering_key":"b"`} {
			post("/v1/events", `{"type":"a","data":{},"ordering_key":`+in+`}`).problem(http.StatusUnprocessableEntity, webhook.CodeInvalid, "/ordering_key")
		}
		post("/v1/events/batch", `{"events":[{"type":"a","data":{}},{"type":"a","data":{},"ordering_key":""}]}`).
			problem(http.StatusUnprocessableEntity, webhook.CodeInvalid, "/events/1/ordering_key")
	})
}
