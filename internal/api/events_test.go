package api

import (
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/postrider/postrider/internal/webhook"
)

func TestPublish(t *testing.T) {
	t.Parallel()
	b := setup(t)
	key := b.workspace("456")
	b.endpoint(key)
	b.call(key, "POST", "/v1/endpoints", `{"url":"https://example.com/2","events":["post.*"],"filters":{"id":123}}`).want(http.StatusCreated)
	post := func(body string) *answer {
		return b.call(key, "POST", "/v1/events", body, "Content-Type", "application/json")
	}

	t.Run("AnswersWithTheContractsFields", func(t *testing.T) {
		a := post(`{"type":"post.created","data":{"id":123},"created_at":"2024-01-15T11:30:00.1234567+01:00"}`).want(http.StatusAccepted)
		id := a.text("id")
		want := fmt.Sprintf(`{"id":%q,"type":"post.created","created_at":"2024-01-15T10:30:00.123456Z","workspace_id":456,"deliveries":2}`, id)
		if got := strings.TrimSpace(string(a.raw)); got != want || !strings.HasPrefix(id, "evt_") {
			t.Errorf("got %s, want %s", got, want)
		}
	})
	t.Run("DataComesBackAsItWasSpelled", func(t *testing.T) {
		data := `{"z":1.0,"a":1e400,"html":"<b>&","u":"é\u00e9\ud83d\ude00","n":{"x":[ ]},"dup":1,"dup":2,"big":12345678901234567890}`
		id := post("{\"data\" : " + strings.ReplaceAll(data, ",", " ,\n\t") + `, "type":"x"}`).want(http.StatusAccepted).text("id")
		a := b.call(key, "GET", "/v1/events/"+id, "").want(http.StatusOK)
		if want := strings.Replace(data, "[ ]", "[]", 1); !strings.Contains(string(a.raw), `"data":`+want) {
			t.Errorf("got %s, want %s", a.raw, want)
		}
	})
	t.Run("OwnIDGivenTwiceIsTheSameEvent", func(t *testing.T) {
		first := post(`{"id":"order-1","type":"a","data":{"n":1}}`).want(http.StatusAccepted)
		again := post(`{"id":"order-1","type":"b","data":{"n":2}}`).want(http.StatusOK)
		if string(first.raw) != string(again.raw) {
			t.Errorf("got %s, then %s", first.raw, again.raw)
		}
		a := b.call(key, "GET", "/v1/events/order-1", "").want(http.StatusOK)
		if a.text("type") != "a" || !strings.Contains(string(a.raw), `"data":{"n":1}`) {
			t.Errorf("got %s", a.raw)
		}
		other := b.workspace("other")
		b.call(other, "POST", "/v1/events", `{"id":"order-1","type":"a","data":{}}`).want(http.StatusAccepted)
	})
	t.Run("NullMeansAbsent", func(_ *testing.T) {
		post(`{"id":null,"created_at":null,"type":"a","data":{}}`).want(http.StatusAccepted)
	})
	t.Run("BadInput", func(_ *testing.T) {
		for in, pointer := range map[string]string{
			`{}`:                                                                 "/type",
			`{"type":"a"}`:                                                       "/data",
			`{"data":{}}`:                                                        "/type",
			`{"type":"","data":{}}`:                                              "/type",
			`{"type":"a b","data":{}}`:                                           "/type",
			`{"type":".a","data":{}}`:                                            "/type",
			`{"type":"a.*","data":{}}`:                                           "/type",
			`{"type":"ä","data":{}}`:                                             "/type",
			`{"type":5,"data":{}}`:                                               "/type",
			`{"type":null,"data":{}}`:                                            "/type",
			`{"type":"a","data":[]}`:                                             "/data",
			`{"type":"a","data":null}`:                                           "/data",
			`{"type":"a","data":"{}"}`:                                           "/data",
			`{"type":"a","data":{},"id":""}`:                                     "/id",
			`{"type":"a","data":{},"id":5}`:                                      "/id",
			`{"type":"a","data":{},"id":"a.b"}`:                                  "/id",
			`{"type":"a","data":{},"created_at":5}`:                              "/created_at",
			`{"type":"a","data":{},"created_at":"now"}`:                          "/created_at",
			`{"type":"a","data":{},"created_at":"2024-01-15"}`:                   "/created_at",
			`{"type":"a","data":{},"created_at":"2024-01-15T10:30:00"}`:          "/created_at",
			`{"type":"a","data":{},"created_at":"2024-02-30T10:30:00Z"}`:         "/created_at",
			`{"type":"a","data":{},"created_at":"2024-01-15T1:30:00Z"}`:          "/created_at",
			`{"type":"a","data":{},"created_at":"2024-01-15T10:30:00,5Z"}`:       "/created_at",
			`{"type":"a","data":{},"created_at":"2024-01-15T10:30:00+24:00"}`:    "/created_at",
			`{"type":"a","data":{},"created_at":"0001-01-01T00:00:00.0000009Z"}`: "/created_at",
			`{"type":"a","data":{},"created_at":"9999-12-31T23:59:59-01:00"}`:    "/created_at",
			`{"type":"a","data":{},"created_at":"0001-01-01T00:00:00Z"}`:         "/created_at",
			`{"type":"a","data":{},"workspace_id":456}`:                          "/workspace_id",
			`{"type":"a","data":{},"type":"b"}`:                                  "/type",
			`{"type":"a","data":{},"\u0074ype":"b"}`:                             "/type",
			`{"type":"a","data":{"x":"\ud800"}}`:                                 "/data/x",
			`{"type":"a","data":{"x":["a","\udc00"]}}`:                           "/data/x/1",
			`{"type":"a","data":{"x":"\ud800\ud800"}}`:                           "/data/x",
			`{"type":"a","data":{"x":"\ud83dA"}}`:                                "/data/x",
			`{"type":"a","data":{"\ud83d":1}}`:                                   "/data",
			`[]`:                                                                 "",
			` "a"`:                                                               "",
			`null`:                                                               "",
			`{"type":"a","data":{},"id":"` + strings.Repeat("x", 129) + `"}`:     "/id",
			`{"type":"` + strings.Repeat("x", 257) + `","data":{}}`:              "/type",
		} {
			post(in).problem(http.StatusUnprocessableEntity, webhook.CodeInvalid, pointer)
		}
		post(`{"type":5,"x":1}`).problem(422, webhook.CodeInvalid, "/type", "/x", "/data")
		post(`{"type":"` + strings.Repeat("x", 256) + `","id":"` + strings.Repeat("x", 128) + `","data":{"\ud83d\ude00":"\\ud800 \uD83D\uDE00"}}`).want(202)
	})
	t.Run("MalformedJSON", func(_ *testing.T) {
		for _, in := range []string{
			``, ` `, `{`, `{"type":"a","data":{}}x`, `{"type":"a","data":{}}{}`, `{"type":"a","data":{},}`, `{'type':1}`,
			"{\"type\":\"a\",\"data\":{\"x\":\"\xff\"}}", `{"type":"a","data":{"x":01}}`, "{\"type\":\"a\",\"data\":{\"x\":\"a\nb\"}}", `NaN`,
			`{"type":"a","data":` + strings.Repeat(`{"a":`, 20000) + `1` + strings.Repeat(`}`, 20000) + `}`,
		} {
			post(in).problem(http.StatusBadRequest, webhook.CodeMalformed)
		}
	})
	t.Run("OneMiBIsTheLimit", func(t *testing.T) {
		body := func(size int) string {
			frame := `{"type":"a","data":{"x":""}}`
			return `{"type":"a","data":{"x":"` + strings.Repeat("x", size-len(frame)) + `"}}`
		}
		post(body(webhook.MaxEventBytes)).want(http.StatusAccepted)
		post(body(webhook.MaxEventBytes+1)).problem(http.StatusRequestEntityTooLarge, webhook.CodeTooLarge)
		chunked := func(size int) *answer {
			req, err := http.NewRequestWithContext(t.Context(), "POST", b.url+"/v1/events", strings.NewReader(body(size)))
			if err != nil {
				t.Fatal(err)
			}
			req.ContentLength = -1
			req.Header.Set("Authorization", "Bearer "+key)
			return b.do(req)
		}
		chunked(webhook.MaxEventBytes).want(http.StatusAccepted)
		chunked(webhook.MaxEventBytes+1).problem(http.StatusRequestEntityTooLarge, webhook.CodeTooLarge)
		chunked(8<<20).problem(http.StatusRequestEntityTooLarge, webhook.CodeTooLarge)
	})
}

func TestPublishBatch(t *testing.T) {
	t.Parallel()
	b := setup(t)
	key := b.workspace("w")
	post := func(body string) *answer { return b.call(key, "POST", "/v1/events/batch", body) }
	batch := func(n int) string {
		return `{"events":[` + strings.TrimSuffix(strings.Repeat(`{"type":"a","data":{}},`, n), ",") + `]}`
	}

	t.Run("AnswersInOrder", func(t *testing.T) {
		a := post(`{"events":[{"type":"a","data":{}},{"id":"own","type":"b","data":{}},{"type":"c","data":{}}]}`).want(http.StatusAccepted)
		var types []string
		for _, e := range a.data() {
			types = append(types, fmt.Sprint(e["type"]))
		}
		if !slices.Equal(types, []string{"a", "b", "c"}) || a.data()[1]["id"] != "own" {
			t.Errorf("got %s", a.raw)
		}
	})
	t.Run("AllOrNone", func(t *testing.T) {
		post(`{"events":[{"type":"z.ok","data":{}},{"type":"z.ok","data":[]},{"type":"z ok","data":{}}]}`).
			problem(http.StatusUnprocessableEntity, webhook.CodeInvalid, "/events/1/data", "/events/2/type")
		if got := b.call(key, "GET", "/v1/events?type=z.ok", "").want(http.StatusOK).data(); len(got) != 0 {
			t.Errorf("stored %v", got)
		}
	})
	t.Run("OneThousandAtMost", func(t *testing.T) {
		if got := post(batch(1000)).want(http.StatusAccepted).data(); len(got) != 1000 {
			t.Errorf("got %d", len(got))
		}
		post(batch(1001)).problem(http.StatusUnprocessableEntity, webhook.CodeInvalid, "/events")
	})
	t.Run("Sizes", func(_ *testing.T) {
		event := func(size int) string { return `{"type":"a","data":{"x":"` + strings.Repeat("x", size-28) + `"}}` }
		post(`{"events":[`+event(40)+`,`+event(webhook.MaxEventBytes+10)+`]}`).
			problem(http.StatusRequestEntityTooLarge, webhook.CodeTooLarge, "/events/1")
		var big []string
		for range 11 {
			big = append(big, event(1<<20))
		}
		post(`{"events":[`+strings.Join(big, ",")+`]}`).problem(http.StatusRequestEntityTooLarge, webhook.CodeTooLarge)
		post(`{"events":[` + strings.Join(big[:9], ",") + `]}`).want(http.StatusAccepted)
	})
	t.Run("BadInput", func(_ *testing.T) {
		for in, pointer := range map[string]string{
			`{}`: "/events", `{"events":[]}`: "/events", `{"events":{}}`: "/events", `{"events":null}`: "/events", `[]`: "",
			`{"events":[5]}`: "/events/0", `{"events":[{"type":"a","data":{}}],"x":1}`: "/x",
			`{"events":[],"events":[]}`: "/events", `{"events":[{"type":"a","data":{}},{"type":"a","data":{"x":{"y":"\ud800"}}}]}`: "/events/1/data/x/y",
			`{"events":[{"type":"a","data":{},"nope":1}]}`: "/events/0/nope",
		} {
			post(in).problem(http.StatusUnprocessableEntity, webhook.CodeInvalid, pointer)
		}
		post(``).problem(http.StatusBadRequest, webhook.CodeMalformed)
	})
}

func TestListEvents(t *testing.T) {
	t.Parallel()
	b := setup(t)
	key := b.workspace("w")
	var ids []string
	for i := range 7 {
		ids = append(ids, b.publish(key, fmt.Sprintf(`{"type":"t.%d","data":{"n":%d},"created_at":"2020-01-01T00:00:00Z"}`, i%2, i)))
	}
	slices.Reverse(ids)

	t.Run("NewestFirstInPages", func(t *testing.T) {
		for _, limit := range []int{1, 3, 7, 250} {
			if got := b.all(key, fmt.Sprintf("/v1/events?limit=%d", limit), "id"); !slices.Equal(got, ids) {
				t.Errorf("limit %d: got %v, want %v", limit, got, ids)
			}
		}
		a := b.call(key, "GET", "/v1/events", "").want(http.StatusOK)
		if a.object()["next_cursor"] != nil || !strings.Contains(string(a.raw), `"data":{"n":6}`) {
			t.Errorf("got %s", a.raw)
		}
	})
	t.Run("TypeIsExact", func(t *testing.T) {
		if got := b.all(key, "/v1/events?type=t.1&limit=2", "id"); len(got) != 3 {
			t.Errorf("got %v", got)
		}
		if got := b.all(key, "/v1/events?type=t&limit=2", "id"); len(got) != 0 {
			t.Errorf("got %v", got)
		}
	})
	t.Run("SinceAndUntilGoByAcceptance", func(t *testing.T) {
		at := b.call(key, "GET", "/v1/events/"+ids[3], "").want(http.StatusOK).text("accepted_at")
		middle, err := time.Parse(time.RFC3339Nano, at)
		if err != nil {
			t.Fatal(err)
		}
		query := func(name string, at time.Time) []string {
			return b.all(key, "/v1/events?"+name+"="+url.QueryEscape(at.Format(time.RFC3339Nano)), "id")
		}
		since, until := query("since", middle), query("until", middle)
		if !slices.Contains(since, ids[3]) || slices.Contains(until, ids[3]) || len(since)+len(until) != 7 {
			t.Errorf("since %v, until %v", since, until)
		}
		if got := query("since", middle.Add(time.Microsecond)); slices.Contains(got, ids[3]) {
			t.Errorf("a microsecond later it is still in: %v", got)
		}
		if got := query("since", time.Now().Add(time.Hour)); len(got) != 0 {
			t.Errorf("got %v", got)
		}
	})
	t.Run("PageOfLargeEventsEndsEarly", func(t *testing.T) {
		key := b.workspace("large")
		for range 12 {
			b.publish(key, `{"type":"a","data":{"x":"`+strings.Repeat("x", 1<<20-100)+`"}}`)
		}
		first := b.call(key, "GET", "/v1/events", "").want(http.StatusOK)
		if n := len(first.data()); n < 1 || n > 9 || first.object()["next_cursor"] == nil {
			t.Errorf("got %d events in %d bytes", n, len(first.raw))
		}
		if got := b.all(key, "/v1/events?limit=250", "id"); len(got) != 12 {
			t.Errorf("got %d of 12", len(got))
		}
	})
	t.Run("BadQueries", func(_ *testing.T) {
		for query, pointer := range map[string]string{
			"limit=0": "limit", "limit=251": "limit", "limit=-1": "limit", "limit=x": "limit", "limit=": "limit", "limit=1.0": "limit",
			"cursor=x": "cursor", "cursor=AAAAAAAAAAAAAAAAAAAAAA": "cursor", "cursor=%00": "cursor",
			"since=yesterday": "since", "until=2024-01-01": "until", "type=a%20b": "type", "x=": "x",
			"limt=5": "limt", "limit=1&limit=2": "limit", "status=failed": "status",
		} {
			b.call(key, "GET", "/v1/events?"+query, "").problem(http.StatusUnprocessableEntity, webhook.CodeInvalid, pointer)
		}
		// What is empty narrows nothing, as from a form that was not filled in.
		b.call(key, "GET", "/v1/events?type=&since=&until=&cursor=", "").want(http.StatusOK)
		b.call(key, "GET", "/v1/events?since=2024-01-15t10:30:00z", "").want(http.StatusOK)
		b.call(key, "GET", "/v1/events?limit=%zz", "").problem(http.StatusBadRequest, webhook.CodeBadRequest)
	})
}

func BenchmarkParseEvent(b *testing.B) {
	body := []byte(`{"type":"post.created","data":{"id":123,"title":"My Blog Post","url":"https://example.com/posts/my-blog-post","tags":["a","b","c"],"author":{"id":7,"name":"Somebody","email":"somebody@example.com"},"body":"Lorem ipsum dolor sit amet, consectetur adipiscing elit, sed do eiusmod tempor incididunt ut labore"}}`)
	b.SetBytes(int64(len(body)))
	b.ReportAllocs()
	for b.Loop() {
		if checkJSON(body) != nil || checkSurrogates(body) != nil {
			b.Fatal("refused")
		}
		if _, bad := parseEvent(body, ""); bad != nil {
			b.Fatal(bad)
		}
	}
}
