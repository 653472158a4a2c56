package api

import (
	"bytes"
	"fmt"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/postrider/postrider/internal/webhook"
)

// failed publishes an event and fails its deliveries.
func (b *bundle) failed(key, body string) (event string) {
	b.t.Helper()
	event = b.publish(key, body)
	b.exec(`UPDATE deliveries SET status = 'failed', task = NULL, next_attempt_at = NULL, completed_at = now() WHERE status = 'pending'`)
	return event
}

const longAgo = `"since":"2020-01-01T00:00:00Z"`

func TestReplayEndpoint(t *testing.T) {
	t.Parallel()
	b := setup(t)
	key := b.workspace("456")
	ep := b.endpoint(key)
	b.failed(key, `{"type":"a.b","data":{}}`)
	b.failed(key, `{"type":"a.c","data":{}}`)
	path := "/v1/endpoints/" + ep + "/replay"
	replay := func(body string) *answer { return b.call(key, "POST", path, body) }

	t.Run("ADryRunCounts", func(t *testing.T) {
		for body, want := range map[string]string{
			`{` + longAgo + `,"dry_run":true}`:                                           `{"total":2}`,
			`{` + longAgo + `,"dry_run":true,"types":["a.b"]}`:                           `{"total":1}`,
			`{` + longAgo + `,"dry_run":true,"statuses":["success","canceled"]}`:         `{"total":0}`,
			`{` + longAgo + `,"dry_run":true,"statuses":["missing"]}`:                    `{"total":0}`,
			`{` + longAgo + `,"dry_run":true,"until":"2020-01-02T00:00:00Z"}`:            `{"total":0}`,
			`{"since":"2020-01-01t01:00:00+01:00","dry_run":true,"statuses":["failed"]}`: `{"total":2}`,
		} {
			if a := replay(body).want(http.StatusOK); strings.TrimSpace(string(a.raw)) != want {
				t.Errorf("%s got %s, want %s", body, a.raw, want)
			}
		}
		if list := b.call(key, "GET", "/v1/replays", "").want(http.StatusOK); strings.Contains(string(list.raw), "rpl_") {
			t.Errorf("a dry run left %s", list.raw)
		}
	})

	t.Run("StartsOneThatCanBeSeenAndCanceled", func(t *testing.T) {
		a := replay(`{` + longAgo + `}`).want(http.StatusAccepted)
		for _, want := range []string{`"status":"running"`, `"total":2`, `"done":0`, `"statuses":["failed"]`, `"types":[]`, `"endpoint_id":"` + ep} {
			if !strings.Contains(string(a.raw), want) {
				t.Errorf("no %s in %s", want, a.raw)
			}
		}
		one := "/v1/replays/" + a.text("id")
		if got := b.call(key, "GET", one, "").want(http.StatusOK); !bytes.Equal(got.raw, a.raw) {
			t.Errorf("it was answered with %s, and is %s", a.raw, got.raw)
		}
		if a.header.Get("Location") != one {
			t.Errorf("got location %q", a.header.Get("Location"))
		}
		if got := b.call(key, "GET", one, "").want(http.StatusOK); got.text("id") != a.text("id") || got.text("since") != "2020-01-01T00:00:00Z" {
			t.Errorf("got %s", got.raw)
		}
		if got := b.call(key, "POST", one+"/cancel", "").want(http.StatusAccepted); got.text("status") != "canceled" || got.object()["finished_at"] == nil {
			t.Errorf("got %s", got.raw)
		}
		b.call(key, "POST", one+"/cancel", "").want(http.StatusConflict)
		if list := b.call(key, "GET", "/v1/replays", "").want(http.StatusOK); !strings.Contains(string(list.raw), a.text("id")) {
			t.Errorf("got %s", list.raw)
		}
	})

	t.Run("RefusesWhatIsWrong", func(t *testing.T) {
		for body, pointer := range map[string]string{
			`{}`:                               "/since",
			`{"since":"yesterday"}`:            "/since",
			`{"since":"2999-01-01T00:00:00Z"}`: "/since",
			`{` + longAgo + `,"until":"2019-01-01T00:00:00Z"}`:  "/since",
			`{` + longAgo + `,"until":1}`:                       "/until",
			`{` + longAgo + `,"statuses":["pending"]}`:          "/statuses/0",
			`{` + longAgo + `,"statuses":["failed","missing"]}`: "/statuses/1",
			`{` + longAgo + `,"statuses":[]}`:                   "/statuses",
			`{` + longAgo + `,"types":["a b"]}`:                 "/types/0",
			`{` + longAgo + `,"dry_run":"yes"}`:                 "/dry_run",
			`{` + longAgo + `,"status":["failed"]}`:             "/status",
		} {
			if a := replay(body).want(http.StatusUnprocessableEntity); !strings.Contains(string(a.raw), `"pointer":"`+pointer+`"`) {
				t.Errorf("%s got %s", body, a.raw)
			}
		}
		b.call(key, "POST", path, "").want(http.StatusBadRequest) // since has no default
	})

	t.Run("IsTheWorkspacesOwn", func(_ *testing.T) {
		id := replay(`{` + longAgo + `}`).want(http.StatusAccepted).text("id")
		other := b.workspace("other")
		b.call(other, "POST", path, `{`+longAgo+`}`).want(http.StatusNotFound)
		for _, route := range []string{"GET /v1/replays/" + id, "POST /v1/replays/" + id + "/cancel", "GET /v1/replays/rpl_x"} {
			method, path, _ := strings.Cut(route, " ")
			b.call(other, method, path, "").want(http.StatusNotFound)
		}
		b.call(b.key("456", "deliveries:write"), "POST", path, `{`+longAgo+`}`).want(http.StatusForbidden)
	})
}

func TestReplayEvent(t *testing.T) {
	t.Parallel()
	b := setup(t)
	key := b.workspace("456")
	ep := b.endpoint(key)
	off := b.call(key, "POST", "/v1/endpoints", `{"url":"https://example.com/off","events":["other"]}`).want(http.StatusCreated).text("id")
	event := b.failed(key, `{"type":"a.b","data":{},"id":"mine"}`)
	deliveries := func(endpoint, replay string) int {
		a := b.call(key, "GET", "/v1/deliveries?event_id=mine&endpoint_id="+endpoint, "").want(http.StatusOK)
		return strings.Count(string(a.raw), `"replay_id":"`+replay)
	}

	t.Run("GoesToWhatMatchesNow", func(t *testing.T) {
		a := b.call(key, "POST", "/v1/events/"+event+"/replay", "").want(http.StatusAccepted)
		if !strings.Contains(string(a.raw), `"status":"done","total":1,"done":1`) || a.text("finished_at") == "" {
			t.Errorf("got %s", a.raw)
		}
		if got := b.call(key, "GET", a.header.Get("Location"), "").want(http.StatusOK); !bytes.Equal(got.raw, a.raw) {
			t.Errorf("it was answered with %s, and is %s", a.raw, got.raw)
		}
		if n := deliveries(ep, a.text("id")); n != 1 {
			t.Errorf("%d deliveries", n)
		}
	})
	t.Run("GoesToTheNamedWhateverTheyWant", func(t *testing.T) {
		a := b.call(key, "POST", "/v1/events/"+event+"/replay", fmt.Sprintf(`{"endpoint_ids":[%q]}`, off)).want(http.StatusAccepted)
		if n := deliveries(off, a.text("id")); n != 1 || deliveries(ep, a.text("id")) != 0 {
			t.Errorf("%d deliveries", n)
		}
	})
	t.Run("ItsDeliveriesAreBehindTheOnesBefore", func(t *testing.T) {
		wide := b.failed(key, `{"type":"a.b","data":{}}`)
		want := []string{"null"}
		for range 4 {
			<-time.After(2 * time.Millisecond)
			a := b.call(key, "POST", "/v1/events/"+wide+"/replay", "").want(http.StatusAccepted)
			want = append(want, `"`+a.text("id")+`"`)
		}
		list := b.call(key, "GET", "/v1/events/"+wide+"/deliveries", "").want(http.StatusOK)
		var got []string
		for _, m := range regexp.MustCompile(`"replay_id":(null|"[^"]+")`).FindAllStringSubmatch(string(list.raw), -1) {
			got = append(got, m[1])
		}
		slices.Reverse(want) // newest first
		if !slices.Equal(got, want) {
			t.Errorf("got those of %v, want %v", got, want)
		}
	})
	t.Run("RefusesWhatIsWrong", func(t *testing.T) {
		other := b.workspace("other")
		stranger := b.endpoint(other)
		for _, body := range []string{fmt.Sprintf(`{"endpoint_ids":[%q,%q]}`, ep, stranger), `{"endpoint_ids":["x","y"]}`} {
			a := b.call(key, "POST", "/v1/events/"+event+"/replay", body).want(http.StatusUnprocessableEntity)
			if !strings.Contains(string(a.raw), `"/endpoint_ids/1"`) {
				t.Errorf("got %s", a.raw)
			}
		}
		b.call(key, "POST", "/v1/events/"+event+"/replay", `{"endpoint_ids":[]}`).want(http.StatusUnprocessableEntity)
		b.call(key, "POST", "/v1/events/unknown/replay", "").want(http.StatusNotFound)
		b.call(other, "POST", "/v1/events/"+event+"/replay", "").want(http.StatusNotFound)
		b.exec("UPDATE events SET body = NULL")
		a := b.call(key, "POST", "/v1/events/"+event+"/replay", "").want(http.StatusConflict)
		if a.text("code") != "not_retryable" {
			t.Errorf("got %s", a.raw)
		}
	})
}

func TestReplayDeliveries(t *testing.T) {
	t.Parallel()
	b := setup(t)
	key := b.workspace("456")
	b.endpoint(key)
	one, two := b.delivery(key, `{"type":"a.b","data":{}}`), b.delivery(key, `{"type":"a.b","data":{}}`)
	b.exec(`UPDATE deliveries SET status = 'failed', task = NULL, next_attempt_at = NULL, completed_at = now()`)
	waiting := b.delivery(key, `{"type":"a.b","data":{}}`)
	start := func(key string, ids ...string) *answer {
		return b.call(key, "POST", "/v1/replays", `{"delivery_ids":["`+strings.Join(ids, `","`)+`"]}`)
	}

	t.Run("IsOfThoseThatCanBeMadeAgain", func(t *testing.T) {
		a := start(key, two, one, waiting, one).want(http.StatusAccepted)
		for _, want := range []string{`"status":"running"`, `"total":2`, `"done":0`, `"delivery_ids":["` + one + `","` + two + `"]`, `"endpoint_id":null,"event_id":null`, `"statuses":[]`} {
			if !strings.Contains(string(a.raw), want) {
				t.Errorf("no %s in %s", want, a.raw)
			}
		}
		path := "/v1/replays/" + a.text("id")
		if a.header.Get("Location") != path {
			t.Errorf("got location %q", a.header.Get("Location"))
		}
		if got := b.call(key, "POST", path+"/cancel", "").want(http.StatusAccepted); got.text("status") != "canceled" || !strings.Contains(string(got.raw), two) {
			t.Errorf("got %s", got.raw)
		}
	})
	t.Run("IsOfOneOfAnEventForAnEndpoint", func(t *testing.T) {
		again := webhook.NewID(time.Now())
		b.exec(`INSERT INTO deliveries (id, workspace_id, event_id, endpoint_id, event_type, status, completed_at, replay_id)
			SELECT (left(id::text, 14) || '7fff-bfff-000000000001')::uuid, workspace_id, event_id, endpoint_id, event_type, 'failed', now(), $2 FROM deliveries WHERE id = $1`,
			uuidOf(t, webhook.DeliveryPrefix, one), uuidOf(t, webhook.ReplayPrefix, again.Format(webhook.ReplayPrefix)))
		var both []string
		for _, d := range b.call(key, "GET", "/v1/deliveries?status=failed", "").want(http.StatusOK).data() {
			both = append(both, fmt.Sprint(d["id"]))
		}
		if a := start(key, both...).want(http.StatusAccepted); len(both) != 3 || !strings.Contains(string(a.raw), `"total":2`) {
			t.Errorf("of %v got %s", both, a.raw)
		}
	})
	t.Run("RefusesWhatIsWrong", func(t *testing.T) {
		other := b.workspace("other")
		for name, c := range map[string]struct {
			a       *answer
			pointer string
		}{
			"Unknown":   {start(key, one, "dlv_x", two), "/delivery_ids/1"},
			"Strangers": {start(other, one), "/delivery_ids/0"},
			"Empty":     {b.call(key, "POST", "/v1/replays", `{"delivery_ids":[]}`), "/delivery_ids"},
			"None":      {b.call(key, "POST", "/v1/replays", `{}`), "/delivery_ids"},
			"TooMany":   {start(key, slices.Repeat([]string{one}, 251)...), "/delivery_ids"},
		} {
			if a := c.a.want(http.StatusUnprocessableEntity); !strings.Contains(string(a.raw), `"pointer":"`+c.pointer+`"`) {
				t.Errorf("%s got %s", name, a.raw)
			}
		}
		b.call(b.key("456", "endpoints:write"), "POST", "/v1/replays", `{"delivery_ids":["`+one+`"]}`).want(http.StatusForbidden)
	})
}

func TestDeliveriesByOutcome(t *testing.T) {
	t.Parallel()
	b := setup(t)
	key := b.workspace("456")
	ep := b.endpoint(key)
	id := b.delivery(key, `{"type":"a.b","data":{},"id":"mine"}`)
	b.exec(`INSERT INTO attempts (delivery_id, workspace_id, id, number, started_at, duration_us, status_code, error_class, request_headers)
		SELECT id, workspace_id, id, 1, now(), 1, 503, 'status', '' FROM deliveries`)
	for _, list := range []string{"/v1/deliveries?", "/v1/endpoints/" + ep + "/deliveries?", "/v1/events/mine/deliveries?"} {
		for query, found := range map[string]int{"status_class=5xx": 1, "error_class=status": 1, "status_class=5xx&error_class=status": 1, "status_class=4xx": 0, "status_class=none": 0, "error_class=timeout": 0} {
			a := b.call(key, "GET", list+query, "").want(http.StatusOK)
			if n := strings.Count(string(a.raw), `"id":"`+id); n != found {
				t.Errorf("%s%s: got %s", list, query, a.raw)
			}
		}
		for _, query := range []string{"status_class=6xx", "status_class=500", "error_class=sad"} {
			name, _, _ := strings.Cut(query, "=")
			if a := b.call(key, "GET", list+query, "").want(http.StatusUnprocessableEntity); !strings.Contains(string(a.raw), `"pointer":"`+name+`"`) {
				t.Errorf("%s%s: got %s", list, query, a.raw)
			}
		}
	}
}
