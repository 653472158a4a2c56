package api

import (
	"encoding/base64"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/postrider/postrider/internal/postgres"
	"github.com/postrider/postrider/internal/webhook"
)

// worker plays the worker's part through its own store.
type worker struct {
	*bundle
	store *postgres.Deliver
}

func newWorker(b *bundle) *worker {
	return &worker{b, postgres.NewDeliver(b.db, postgres.Breaker{Failures: 20, Window: time.Minute, DisableAfter: 5 * 24 * time.Hour})}
}

// member names a delivery as the worker does.
func (w *worker) member(ws, delivery string) webhook.Member {
	w.t.Helper()
	d := w.admin(ws, "GET", "/v1/deliveries/"+delivery, "").want(http.StatusOK)
	id, _ := webhook.ParseID(webhook.DeliveryPrefix, delivery)
	endpoint, _ := webhook.ParseID(webhook.EndpointPrefix, d.text("endpoint_id"))
	return webhook.Member{DeliveryID: id, EndpointID: endpoint, WorkspaceID: webhook.WorkspaceID(ws)}
}

// record writes one attempt's outcome.
func (w *worker) record(ws, delivery string, status webhook.Status, change func(*webhook.Attempt)) {
	w.t.Helper()
	m := w.member(ws, delivery)
	standing, err := w.store.Guard(w.t.Context(), []webhook.Member{m})
	if err != nil {
		w.t.Fatal(err)
	}
	st := standing[m.DeliveryID]
	a := webhook.Attempt{
		ID: webhook.NewID(time.Now()), StartedAt: time.Now(), Duration: 1200 * time.Microsecond, StatusCode: 500,
		Error: "the receiver answered 500", ErrorClass: webhook.ClassStatus,
		RequestHeaders: []webhook.Header{{Name: "X-Webhook-ID", Value: "e"}, {Name: "X-Custom", Value: "***"}},
		ResponseHeaders: []webhook.Header{{Name: "Set-Cookie", Value: "a=1"}, {Name: "Set-Cookie", Value: "b=\xff"},
			{Name: "Empty", Value: ""}},
		ResponseBody: []byte("oops"),
	}
	if status == webhook.StatusSuccess {
		a.StatusCode, a.Error, a.ErrorClass = 200, "", ""
	}
	if change != nil {
		change(&a)
	}
	out := webhook.Outcome{Delivery: m, Attempt: a, Task: st.Task, Seen: st.Attempts, Status: status, Delay: time.Hour}
	if status == webhook.StatusPending {
		out.NextTask = "w_test"
	}
	matched, err := w.store.Record(w.t.Context(), []webhook.Outcome{out})
	if err != nil || !matched[0] {
		w.t.Fatalf("record: %v, matched %v", err, matched)
	}
}

// delivery publishes one event and returns its only delivery.
func (b *bundle) delivery(key, event string) string {
	b.t.Helper()
	id := b.publish(key, event)
	all := b.call(key, "GET", "/v1/events/"+id+"/deliveries", "").want(http.StatusOK).data()
	if len(all) != 1 {
		b.t.Fatalf("got deliveries %v", all)
	}
	return fmt.Sprint(all[0]["id"])
}

func TestDeliveries(t *testing.T) {
	t.Parallel()
	b := setup(t)
	w := newWorker(b)
	key := b.workspace("456")
	endpoint := b.endpoint(key)
	get := func(id string) *answer { return b.call(key, "GET", "/v1/deliveries/"+id, "").want(http.StatusOK) }

	t.Run("PendingHasNoOutcome", func(t *testing.T) {
		id := b.delivery(key, `{"id":"own-1","type":"a.b","data":{}}`)
		got := get(id).object()
		for _, field := range []string{"status_code", "response_body", "error", "error_class", "held_until", "held_reason", "completed_at"} {
			if v, ok := got[field]; v != nil || !ok {
				t.Errorf("%s is %v", field, v)
			}
		}
		if fmt.Sprint(got["event_id"], got["endpoint_id"], got["workspace_id"], got["type"], got["status"], got["attempts"]) !=
			fmt.Sprint("own-1", endpoint, "456", "a.b", "pending", "0") || got["next_attempt_at"] == nil {
			t.Errorf("got %v", got)
		}
	})
	t.Run("OutcomeIsTheLastAttempts", func(t *testing.T) {
		id := b.delivery(key, `{"type":"a","data":{}}`)
		w.record("456", id, webhook.StatusPending, nil)
		w.record("456", id, webhook.StatusPending, func(a *webhook.Attempt) {
			a.StatusCode, a.Error, a.ErrorClass, a.ResponseBody, a.ResponseHeaders = 0, "connection refused", webhook.ClassRefused, nil, nil
		})
		got := get(id)
		if got.text("error_class") != "refused" || got.text("error") != "connection refused" || got.object()["status_code"] != nil ||
			got.object()["response_body"] != nil || fmt.Sprint(got.object()["attempts"]) != "2" || got.text("status") != "pending" {
			t.Errorf("got %s", got.raw)
		}
		w.record("456", id, webhook.StatusFailed, func(a *webhook.Attempt) { a.ResponseBody = []byte("a\x00\xff\xfe") })
		got = get(id)
		if got.text("response_body") != "a\x00\uFFFD\uFFFD" || got.text("response_body_base64") != base64.StdEncoding.EncodeToString([]byte("a\x00\xff\xfe")) {
			t.Errorf("got %s", got.raw)
		}
		if got.text("status") != "failed" || got.text("completed_at") == "" || got.object()["next_attempt_at"] != nil {
			t.Errorf("got %s", got.raw)
		}
	})
	t.Run("AttemptsAreNewestFirst", func(t *testing.T) {
		id := b.delivery(key, `{"type":"a","data":{}}`)
		for range 3 {
			w.record("456", id, webhook.StatusPending, nil)
		}
		all := b.call(key, "GET", "/v1/deliveries/"+id+"/attempts", "").want(http.StatusOK)
		var numbers []string
		for _, a := range all.data() {
			numbers = append(numbers, fmt.Sprint(a["number"]))
		}
		if !slices.Equal(numbers, []string{"3", "2", "1"}) {
			t.Errorf("got %v", numbers)
		}
		first := all.data()[0]
		want := `map[Empty: Set-Cookie:a=1, b=` + "\uFFFD" + `]`
		if fmt.Sprint(first["response_headers"]) != want || fmt.Sprint(first["request_headers"]) != "map[X-Custom:*** X-Webhook-ID:e]" {
			t.Errorf("got %v and %v", first["response_headers"], first["request_headers"])
		}
		if fmt.Sprint(first["duration_ms"]) != "2" || first["response_body"] != "oops" || first["error_class"] != "status" {
			t.Errorf("got %v", first)
		}
		if got := b.all(key, "/v1/deliveries/"+id+"/attempts?limit=1", "id"); len(got) != 3 || !strings.HasPrefix(got[0], "att_") {
			t.Errorf("got %v", got)
		}
	})
	t.Run("RetryStartsAFreshSchedule", func(t *testing.T) {
		id := b.delivery(key, `{"type":"a","data":{}}`)
		path := "/v1/deliveries/" + id + "/retry"
		b.call(key, "POST", path, "").problem(http.StatusConflict, webhook.CodeNotRetryable)
		w.record("456", id, webhook.StatusPending, nil)
		w.record("456", id, webhook.StatusFailed, nil)
		got := b.call(key, "POST", path, "").want(http.StatusAccepted)
		if got.text("status") != "pending" || got.object()["completed_at"] != nil || got.object()["next_attempt_at"] == nil ||
			fmt.Sprint(got.object()["attempts"]) != "2" {
			t.Errorf("got %s", got.raw)
		}
		m := w.member("456", id)
		standing, err := w.store.Guard(t.Context(), []webhook.Member{m})
		if err != nil {
			t.Fatal(err)
		}
		if st := standing[m.DeliveryID]; st.ScheduleStart != 2 || st.Task != "" || st.DueIn > 0 {
			t.Errorf("got %+v", st)
		}
	})
	t.Run("SuccessIsNotRetried", func(t *testing.T) {
		id := b.delivery(key, `{"type":"a","data":{}}`)
		w.record("456", id, webhook.StatusSuccess, nil)
		if got := get(id); got.text("status") != "success" || got.object()["error"] != nil {
			t.Errorf("got %s", got.raw)
		}
		b.call(key, "POST", "/v1/deliveries/"+id+"/retry", `{}`).problem(http.StatusConflict, webhook.CodeNotRetryable)
		b.call(key, "POST", "/v1/deliveries/"+id+"/cancel", ``).problem(http.StatusConflict, webhook.CodeNotCancelable)
	})
	t.Run("CanceledCanBeRetried", func(t *testing.T) {
		id := b.delivery(key, `{"type":"a","data":{}}`)
		got := b.call(key, "POST", "/v1/deliveries/"+id+"/cancel", "{}").want(http.StatusAccepted)
		if got.text("status") != "canceled" || got.text("error") == "" || got.object()["next_attempt_at"] != nil || got.text("completed_at") == "" {
			t.Errorf("got %s", got.raw)
		}
		b.call(key, "POST", "/v1/deliveries/"+id+"/cancel", "").problem(http.StatusConflict, webhook.CodeNotCancelable)
		got = b.call(key, "POST", "/v1/deliveries/"+id+"/retry", "").want(http.StatusAccepted)
		if got.text("status") != "pending" || got.object()["error"] != nil {
			t.Errorf("got %s", got.raw)
		}
		b.call(key, "POST", "/v1/deliveries/"+id+"/cancel", `{"x":1}`).problem(422, webhook.CodeInvalid, "/x")
	})
	t.Run("ParkedShowsWhyAndUntilWhen", func(t *testing.T) {
		id := b.delivery(key, `{"type":"a","data":{}}`)
		m := w.member("456", id)
		standing, _ := w.store.Guard(t.Context(), []webhook.Member{m})
		before := time.Now()
		err := w.store.Park(t.Context(), []webhook.Hold{{Delivery: m, Task: standing[m.DeliveryID].Task, Reason: webhook.HeldBreakerOpen, For: time.Hour}})
		if err != nil {
			t.Fatal(err)
		}
		got := get(id)
		until, err := time.Parse(time.RFC3339Nano, got.text("held_until"))
		if off := until.Sub(before.Add(time.Hour)); err != nil || off < -time.Second || off > time.Minute || got.text("held_reason") != "breaker_open" {
			t.Errorf("got %s", got.raw)
		}
		b.call(key, "POST", "/v1/deliveries/"+id+"/cancel", "").want(http.StatusAccepted)
	})
	t.Run("EndpointDisabledShowsOnPendingOnly", func(t *testing.T) {
		key := b.workspace("dis")
		endpoint := b.endpoint(key)
		pending, done := b.delivery(key, `{"type":"a","data":{}}`), b.delivery(key, `{"type":"a","data":{}}`)
		w.record("dis", done, webhook.StatusSuccess, nil)
		b.call(key, "PATCH", "/v1/endpoints/"+endpoint, `{"is_active":false}`).want(http.StatusOK)
		if got := b.call(key, "GET", "/v1/deliveries/"+pending, ""); got.text("held_reason") != "endpoint_disabled" {
			t.Errorf("got %s", got.raw)
		}
		if got := b.call(key, "GET", "/v1/deliveries/"+done, ""); got.object()["held_reason"] != nil {
			t.Errorf("got %s", got.raw)
		}
		b.call(key, "POST", "/v1/deliveries/"+pending+"/cancel", "").want(http.StatusAccepted)
		b.call(key, "DELETE", "/v1/endpoints/"+endpoint, "").want(http.StatusNoContent)
		b.call(key, "POST", "/v1/deliveries/"+pending+"/retry", "").problem(http.StatusConflict, webhook.CodeNotRetryable)
	})
}

func TestListDeliveries(t *testing.T) {
	t.Parallel()
	b := setup(t)
	w := newWorker(b)
	key := b.workspace("w")
	one, two := b.endpoint(key), b.endpoint(key)
	var events []string
	for i := range 4 {
		events = append(events, b.publish(key, fmt.Sprintf(`{"id":"own-%d","type":"t.%d","data":{}}`, i, i%2)))
	}
	all := b.all(key, "/v1/deliveries?limit=3", "id")
	if len(all) != 8 || !slices.IsSortedFunc(all, func(a, b string) int { return strings.Compare(b, a) }) {
		t.Fatalf("got %v", all)
	}
	w.record("w", all[0], webhook.StatusFailed, nil)
	w.record("w", all[1], webhook.StatusSuccess, nil)
	b.call(key, "POST", "/v1/deliveries/"+all[2]+"/cancel", "").want(http.StatusAccepted)

	for path, want := range map[string]int{
		"/v1/deliveries?status=failed":                             1,
		"/v1/deliveries?status=success":                            1,
		"/v1/deliveries?status=canceled":                           1,
		"/v1/deliveries?status=pending":                            5,
		"/v1/deliveries?type=t.1":                                  4,
		"/v1/deliveries?type=t":                                    0,
		"/v1/deliveries?endpoint_id=" + one:                        4,
		"/v1/deliveries?endpoint_id=nonsense":                      0,
		"/v1/deliveries?endpoint_id=" + webhook.ID{}.Format("ep_"): 0,
		"/v1/deliveries?event_id=own-0":                            2,
		"/v1/deliveries?event_id=nobody":                           0,
		"/v1/deliveries?event_id=own-0&endpoint_id=" + two:         1,
		"/v1/deliveries?since=2020-01-01T00:00:00Z":                8,
		"/v1/deliveries?until=2020-01-01T00:00:00Z":                0,
		"/v1/endpoints/" + two + "/deliveries?type=t.0":            2,
		"/v1/events/" + events[1] + "/deliveries":                  2,
		"/v1/events/own-1/deliveries?status=success":               0,
	} {
		if got := b.call(key, "GET", path, "").want(http.StatusOK).data(); len(got) != want {
			t.Errorf("%s: got %d, want %d", path, len(got), want)
		}
	}
	for _, d := range b.call(key, "GET", "/v1/deliveries", "").data() {
		if event := fmt.Sprint(d["event_id"]); !slices.Contains(events, event) {
			t.Errorf("event_id %s", event)
		}
	}
	everything := len(b.call(key, "GET", "/v1/deliveries", "").want(http.StatusOK).data())
	if got := len(b.call(key, "GET", "/v1/deliveries?status=&endpoint_id=&event_id=&type=&cursor=", "").want(http.StatusOK).data()); got != everything {
		t.Errorf("empty parameters leave %d of %d", got, everything)
	}
	for path, pointer := range map[string]string{
		"/v1/deliveries?status=done": "status", "/v1/deliveries?limit=1000": "limit",
		"/v1/endpoints/" + one + "/deliveries?endpoint_id=" + two: "endpoint_id", "/v1/deliveries?type=..": "type",
	} {
		b.call(key, "GET", path, "").problem(http.StatusUnprocessableEntity, webhook.CodeInvalid, pointer)
	}
}
