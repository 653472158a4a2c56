package api

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/postrider/postrider/internal/webhook"
)

const goodSecret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"

func TestCreateEndpoint(t *testing.T) {
	t.Parallel()
	b := setup(t)
	key := b.workspace("456")
	post := func(body string) *answer { return b.call(key, "POST", "/v1/endpoints", body) }
	// with adds one field to a good endpoint.
	with := func(field string) *answer {
		return post(`{"url":"https://example.com/","events":["a"],` + field + `}`)
	}

	t.Run("DefaultsAreShown", func(t *testing.T) {
		a := post(`{"url":"https://example.com/hook","events":["post.*","*"]}`).want(http.StatusCreated)
		got := a.object()
		for field, want := range map[string]string{
			"workspace_id": "456", "url": `"https://example.com/hook"`, "events": `["post.*","*"]`, "filters": "{}",
			"description": `""`, "is_active": "true", "disabled_at": "null", "disabled_reason": "null", "headers": "{}",
			"timeout": "10", "retry_schedule": "[60,300,1800]", "rate_limit": "null", "max_in_flight": "64", "metadata": "{}", "format": `"standard"`,
		} {
			if v, _ := json.Marshal(got[field]); string(v) != want {
				t.Errorf("%s is %s, want %s", field, v, want)
			}
		}
		if !webhook.ValidSecret(a.text("secret")) || !strings.HasPrefix(a.text("id"), "ep_") {
			t.Errorf("got %s", a.raw)
		}
		if a.header.Get("Location") != "/v1/endpoints/"+a.text("id") {
			t.Errorf("got location %q", a.header.Get("Location"))
		}
	})
	t.Run("SecretIsInTheCreationsAnswerAndItsOwnRouteOnly", func(t *testing.T) {
		a := with(`"secret":"` + goodSecret + `"`).want(http.StatusCreated)
		if a.text("secret") != goodSecret {
			t.Errorf("got %s", a.raw)
		}
		path := "/v1/endpoints/" + a.text("id")
		for _, p := range []string{path, "/v1/endpoints"} {
			if got := b.call(key, "GET", p, "").want(http.StatusOK); strings.Contains(string(got.raw), "whsec_") {
				t.Errorf("secret in %s", got.raw)
			}
		}
		if got := b.call(key, "GET", path+"/secret", "").want(http.StatusOK); got.text("secret") != goodSecret {
			t.Errorf("got %s", got.raw)
		}
	})
	t.Run("AllFieldsComeBack", func(t *testing.T) {
		in := `"filters": {"n": {"$gt": 1.50}}, "description":"d <b>", "is_active":false, "headers":{"Authorization":"Bearer x","X-Webhook-Source":"1"},
			"timeout":60.0,"retry_schedule":[1,86400],"rate_limit":3,"max_in_flight":10000,"metadata":{"b":1,"a":[1.0,"é"]},"format":"cloudevents"`
		a := with(in).want(http.StatusCreated)
		for _, want := range []string{
			`"filters":{"n":{"$gt":1.50}}`, `"description":"d <b>"`, `"is_active":false`, `"disabled_reason":"disabled_by_user"`,
			`"headers":{"Authorization":"***","X-Webhook-Source":"***"}`, `"timeout":60`, `"retry_schedule":[1,86400]`, `"rate_limit":3`,
			`"max_in_flight":10000`, `"format":"cloudevents"`, `"metadata":{"b":1,"a":[1.0,"é"]}`,
		} {
			got := b.call(key, "GET", "/v1/endpoints/"+a.text("id"), "").want(http.StatusOK)
			if !strings.Contains(string(a.raw), want) || !strings.Contains(string(got.raw), want) {
				t.Errorf("no %s in %s and %s", want, a.raw, got.raw)
			}
		}
	})
	t.Run("EmptyScheduleIsNoRetry", func(t *testing.T) {
		a := with(`"retry_schedule":[]`).want(http.StatusCreated)
		got := b.call(key, "GET", "/v1/endpoints/"+a.text("id"), "").want(http.StatusOK)
		if !strings.Contains(string(got.raw), `"retry_schedule":[]`) {
			t.Errorf("got %s", got.raw)
		}
	})
	t.Run("NullIsTheDefault", func(t *testing.T) {
		a := with(`"filters":null,"secret":null,"description":null,"is_active":null,"headers":null,"timeout":null,
			"retry_schedule":null,"rate_limit":null,"max_in_flight":null,"metadata":null`).want(http.StatusCreated)
		if !strings.Contains(string(a.raw), `"retry_schedule":[60,300,1800]`) || a.object()["is_active"] != true {
			t.Errorf("got %s", a.raw)
		}
	})
	t.Run("LimitsAreTakenTo", func(_ *testing.T) {
		fourteenDays := strings.TrimSuffix(strings.Repeat("86400,", 14), ",")
		with(`"retry_schedule":[` + fourteenDays + `]`).want(http.StatusCreated)
		with(`"retry_schedule":[`+fourteenDays+`,1]`).problem(http.StatusUnprocessableEntity, webhook.CodeInvalid, "/retry_schedule")
		with(`"retry_schedule":[` + strings.TrimSuffix(strings.Repeat("1,", 20), ",") + `]`).want(http.StatusCreated)
		with(`"retry_schedule":[`+strings.TrimSuffix(strings.Repeat("1,", 21), ",")+`]`).problem(422, webhook.CodeInvalid, "/retry_schedule")
		with(`"metadata":{"a":"` + strings.Repeat("x", 16<<10-8) + `"}`).want(http.StatusCreated)
		with(`"metadata":{"a":"`+strings.Repeat("x", 16<<10)+`"}`).problem(422, webhook.CodeInvalid, "/metadata")
		with(`"timeout":1,"max_in_flight":1,"rate_limit":1`).want(http.StatusCreated)
	})
	t.Run("BadInput", func(_ *testing.T) {
		for in, pointer := range map[string]string{
			`"timeout":0`:                             "/timeout",
			`"timeout":61`:                            "/timeout",
			`"timeout":1.5`:                           "/timeout",
			`"timeout":"10"`:                          "/timeout",
			`"timeout":1e999`:                         "/timeout",
			`"retry_schedule":60`:                     "/retry_schedule",
			`"retry_schedule":[0]`:                    "/retry_schedule/0",
			`"retry_schedule":[1,86401]`:              "/retry_schedule/1",
			`"retry_schedule":[1,null]`:               "/retry_schedule/1",
			`"rate_limit":0`:                          "/rate_limit",
			`"rate_limit":2.5`:                        "/rate_limit",
			`"format":"xml"`:                          "/format",
			`"format":""`:                             "/format",
			`"format":1`:                              "/format",
			`"max_in_flight":0`:                       "/max_in_flight",
			`"max_in_flight":10001`:                   "/max_in_flight",
			`"is_active":"true"`:                      "/is_active",
			`"description":1`:                         "/description",
			`"description":"\u0000"`:                  "/description",
			`"metadata":[]`:                           "/metadata",
			`"filters":"x"`:                           "/filters",
			`"filters":{"a":{"$foo":1}}`:              "/filters/a/$foo",
			`"filters":{"a":"\udc00"}`:                "/filters/a",
			`"headers":[]`:                            "/headers",
			`"headers":{"X":1}`:                       "/headers/X",
			`"headers":{"X-Webhook-Id":"1"}`:          "/headers/X-Webhook-Id",
			`"headers":{"webhook-signature":"1"}`:     "/headers/webhook-signature",
			`"headers":{"Trailers":"1"}`:              "/headers/Trailers",
			`"headers":{"content-type":"text/plain"}`: "/headers/content-type",
			`"headers":{"HOST":"a"}`:                  "/headers/HOST",
			`"headers":{"User-Agent":"a"}`:            "/headers/User-Agent",
			`"headers":{"Transfer-Encoding":"a"}`:     "/headers/Transfer-Encoding",
			`"headers":{"Connection":"a"}`:            "/headers/Connection",
			`"headers":{"Proxy-Authorization":"a"}`:   "/headers/Proxy-Authorization",
			`"headers":{"X A":"a"}`:                   "/headers/X A",
			`"headers":{"":"a"}`:                      "/headers/",
			`"headers":{"X":"a\r\nY: b"}`:             "/headers/X",
			`"headers":{"X":" a"}`:                    "/headers/X",
			`"headers":{"X":"***"}`:                   "/headers/X",
			`"headers":{"X-A":"1","x-a":"2"}`:         "/headers/x-a",
			`"headers":{"X":"` + strings.Repeat("x", 17<<10) + `"}`: "/headers",
			`"unknown":1`:                 "/unknown",
			`"id":"ep_x"`:                 "/id",
			`"url":"https://example.com"`: "/url", // twice
		} {
			with(in).problem(http.StatusUnprocessableEntity, webhook.CodeInvalid, pointer)
		}
		for in, pointer := range map[string]string{
			`{"events":["a"]}`:                          "/url",
			`{"url":"","events":["a"]}`:                 "/url",
			`{"url":5,"events":["a"]}`:                  "/url",
			`{"url":"https://blocked/","events":["a"]}`: "/url",
			`{"url":"https://x/"}`:                      "/events",
			`{"url":"https://x/","events":[]}`:          "/events",
			`{"url":"https://x/","events":"a"}`:         "/events",
			`{"url":"https://x/","events":["a",5]}`:     "/events/1",
			`{"url":"https://x/","events":["a..b"]}`:    "/events/0",
			`{"url":"https://x/","events":["a*"]}`:      "/events/0",
		} {
			post(in).problem(http.StatusUnprocessableEntity, webhook.CodeInvalid, pointer)
		}
		many := make([]string, 51)
		for i := range many {
			many[i] = fmt.Sprintf(`"x-%d":"1"`, i)
		}
		with(`"headers":{`+strings.Join(many, ",")+`}`).problem(422, webhook.CodeInvalid, "/headers")
		with(`"headers":{` + strings.Join(many[:50], ",") + `}`).want(http.StatusCreated)
	})
	t.Run("WeakSecret", func(_ *testing.T) {
		for _, secret := range []string{"", "whsec_", "secret", "whsec_c2hvcnQ=", goodSecret[6:], goodSecret + "!"} {
			with(`"secret":"`+secret+`"`).problem(http.StatusUnprocessableEntity, webhook.CodeWeakSecret, "/secret")
		}
	})
}

func TestPatchEndpoint(t *testing.T) {
	t.Parallel()
	b := setup(t)
	key := b.workspace("w")
	full := `{"url":"https://example.com/","events":["a"],"filters":{"x":1,"y":2},"description":"d","headers":{"X-A":"1","X-B":"2"},
		"timeout":20,"retry_schedule":[],"rate_limit":3,"max_in_flight":5,"format":"raw","metadata":{"k":{"deep":1.0,"other":2}}}`
	fresh := func() string { return b.call(key, "POST", "/v1/endpoints", full).want(http.StatusCreated).text("id") }
	patch := func(id, body string) *answer {
		return b.call(key, "PATCH", "/v1/endpoints/"+id, body, "Content-Type", "application/merge-patch+json")
	}
	// headers are as the worker would send them.
	headers := func(id string) map[string]string {
		wid, _ := webhook.ParseID(webhook.EndpointPrefix, id)
		e, err := newEndpoints(b).Get(t.Context(), "w", wid)
		if err != nil {
			t.Fatal(err)
		}
		return e.Headers
	}

	t.Run("LeavesTheRestAlone", func(t *testing.T) {
		id := fresh()
		before := b.call(key, "GET", "/v1/endpoints/"+id, "").object()
		got := patch(id, `{"description":"other"}`).want(http.StatusOK).object()
		for field, want := range before {
			if field == "description" || field == "updated_at" {
				continue
			}
			if g, w := fmt.Sprint(got[field]), fmt.Sprint(want); g != w {
				t.Errorf("%s became %s, was %s", field, g, w)
			}
		}
		if got["description"] != "other" || got["secret"] != nil {
			t.Errorf("got %v", got)
		}
		if h := headers(id); h["X-A"] != "1" || h["X-B"] != "2" {
			t.Errorf("headers became %v", h)
		}
	})
	t.Run("NullResetsToTheDefault", func(t *testing.T) {
		a := patch(fresh(), `{"filters":null,"description":null,"headers":null,"timeout":null,"retry_schedule":null,
			"rate_limit":null,"max_in_flight":null,"format":null,"metadata":null,"is_active":null}`).want(http.StatusOK)
		for _, want := range []string{
			`"filters":{}`, `"description":""`, `"headers":{}`, `"timeout":10`, `"retry_schedule":[60,300,1800]`,
			`"rate_limit":null`, `"max_in_flight":64`, `"format":"standard"`, `"metadata":{}`, `"is_active":true`,
		} {
			if !strings.Contains(string(a.raw), want) {
				t.Errorf("no %s in %s", want, a.raw)
			}
		}
	})
	t.Run("FiltersAndEventsAreReplacedWhole", func(t *testing.T) {
		a := patch(fresh(), `{"filters":{"z":null},"events":["b","c.*"]}`).want(http.StatusOK)
		if !strings.Contains(string(a.raw), `"events":["b","c.*"],"filters":{"z":null}`) {
			t.Errorf("got %s", a.raw)
		}
	})
	t.Run("HeadersMergeByName", func(t *testing.T) {
		id := fresh()
		patch(id, `{"headers":{"x-a":"new","X-B":null,"X-C":"3"}}`).want(http.StatusOK)
		if h := headers(id); len(h) != 2 || h["x-a"] != "new" || h["X-C"] != "3" {
			t.Errorf("got %v", h)
		}
		patch(id, `{"headers":{"X-A":"***"}}`).want(http.StatusOK)
		if h := headers(id); len(h) != 2 || h["x-a"] != "new" {
			t.Errorf("*** did not leave the value alone: %v", h)
		}
		patch(id, `{"headers":{"X-New":"***"}}`).problem(422, webhook.CodeInvalid, "/headers/X-New")
		patch(id, `{"headers":{"X-D":"1","x-d":"2"}}`).problem(422, webhook.CodeInvalid, "/headers/x-d")
		patch(id, `{"headers":[]}`).problem(422, webhook.CodeInvalid, "/headers")
		patch(id, `{"headers":{"Host":"x"}}`).problem(422, webhook.CodeInvalid, "/headers/Host")
	})
	t.Run("MetadataMerges", func(t *testing.T) {
		a := patch(fresh(), `{"metadata":{"k":{"other":null,"new":1e2},"l":[1]}}`).want(http.StatusOK)
		if !strings.Contains(string(a.raw), `"metadata":{"k":{"deep":1.0,"new":1e2},"l":[1]}`) {
			t.Errorf("got %s", a.raw)
		}
	})
	t.Run("BadInput", func(_ *testing.T) {
		id := fresh()
		for in, pointer := range map[string]string{
			`{"url":null}`: "/url", `{"url":""}`: "/url", `{"url":"https://blocked"}`: "/url", `{"events":null}`: "/events",
			`{"events":[]}`: "/events", `{"timeout":"1"}`: "/timeout", `{"secret":7}`: "/secret",
			`{"secret":null}`: "/secret", `{"id":"x"}`: "/id", `{"created_at":null}`: "/created_at", `{"x":null}`: "/x",
			`{"timeout":1,"timeout":2}`: "/timeout", `[]`: "", `5`: "", `{"filters":{"$x":1}}`: "/filters/$x",
		} {
			patch(id, in).problem(http.StatusUnprocessableEntity, webhook.CodeInvalid, pointer)
		}
		patch(id, `{"secret":"whsec_c2hvcnQ="}`).problem(http.StatusUnprocessableEntity, webhook.CodeWeakSecret, "/secret")
		patch(id, ``).problem(http.StatusBadRequest, webhook.CodeMalformed)
		b.call(key, "PATCH", "/v1/endpoints/"+id, `{}`, "Content-Type", "application/json-patch+json").
			problem(http.StatusUnsupportedMediaType, webhook.CodeUnsupported)
	})
	t.Run("URLIsCheckedOnlyWhenItChanges", func(t *testing.T) {
		id := fresh()
		b.urls.mu.Lock()
		b.urls.asked = nil
		b.urls.mu.Unlock()
		patch(id, `{"description":"x","url":"https://example.com/"}`).want(http.StatusOK)
		patch(id, `{"url":"https://other.example/"}`).want(http.StatusOK)
		b.urls.mu.Lock()
		defer b.urls.mu.Unlock()
		if !slices.Equal(b.urls.asked, []string{"https://other.example/"}) {
			t.Errorf("asked for %v", b.urls.asked)
		}
	})
	t.Run("SecretIsReplacedAtOnceAndNotShown", func(t *testing.T) {
		id := fresh()
		if a := patch(id, `{"secret":"`+goodSecret+`"}`).want(http.StatusOK); a.object()["secret"] != nil {
			t.Errorf("got %s", a.raw)
		}
		patch(id, `{"description":"y"}`).want(http.StatusOK)
		if got := b.call(key, "GET", "/v1/endpoints/"+id+"/secret", "").want(http.StatusOK).text("secret"); got != goodSecret {
			t.Errorf("the secret is %s", got)
		}
	})
	t.Run("DisablingIsRememberedAndEnablingForgetsIt", func(t *testing.T) {
		id := fresh()
		a := patch(id, `{"is_active":false}`).want(http.StatusOK)
		since := a.text("disabled_at")
		if a.text("disabled_reason") != webhook.DisabledByUser {
			t.Errorf("got %s", a.raw)
		}
		if a = patch(id, `{"is_active":false}`).want(http.StatusOK); a.text("disabled_at") != since {
			t.Errorf("disabled_at moved: %s", a.raw)
		}
		if a = patch(id, `{"is_active":true}`).want(http.StatusOK); a.object()["disabled_at"] != nil || a.object()["disabled_reason"] != nil {
			t.Errorf("got %s", a.raw)
		}
	})
	t.Run("ChangeIsSeenByTheNextEvent", func(t *testing.T) {
		key := b.workspace("seen")
		id := b.endpoint(key)
		count := func() string {
			a := b.call(key, "POST", "/v1/events", `{"type":"a.b","data":{"n":1}}`).want(http.StatusAccepted)
			return fmt.Sprint(a.object()["deliveries"])
		}
		for _, step := range []struct{ patch, want string }{
			{`{"events":["c"]}`, "0"}, {`{"events":["a.*"]}`, "1"}, {`{"filters":{"n":2}}`, "0"},
			{`{"filters":{"n":1}}`, "1"}, {`{"is_active":false}`, "0"}, {`{"is_active":true}`, "1"},
		} {
			patch := b.call(key, "PATCH", "/v1/endpoints/"+id, step.patch).want(http.StatusOK)
			if got := count(); got != step.want {
				t.Errorf("after %s: %s deliveries, want %s (%s)", step.patch, got, step.want, patch.raw)
			}
		}
		b.call(key, "DELETE", "/v1/endpoints/"+id, "").want(http.StatusNoContent)
		if got := count(); got != "0" {
			t.Errorf("a deleted endpoint got %s", got)
		}
	})
}

func TestDeleteEndpoint(t *testing.T) {
	t.Parallel()
	b := setup(t)
	key := b.workspace("w")
	id, other := b.endpoint(key), b.endpoint(key)
	path := "/v1/endpoints/" + id
	b.call(key, "POST", "/v1/events", `{"type":"a","data":{}}`).want(http.StatusAccepted)
	b.call(key, "DELETE", path, "").want(http.StatusNoContent)
	if d := b.call(key, "GET", "/v1/deliveries?endpoint_id="+id, "").data(); len(d) != 1 || d[0]["status"] != "canceled" || d[0]["error"] != "the endpoint was deleted" {
		t.Errorf("what was pending is now %v", d)
	}
	if d := b.call(key, "GET", "/v1/deliveries?endpoint_id="+other, "").data(); len(d) != 1 || d[0]["status"] != "pending" {
		t.Errorf("another endpoint's is now %v", d)
	}
	b.call(key, "DELETE", "/v1/endpoints/"+other, "").want(http.StatusNoContent)
	for _, r := range [][2]string{{"GET", path}, {"DELETE", path}, {"GET", path + "/secret"}, {"POST", path + "/test"}, {"GET", path + "/deliveries"}} {
		b.call(key, r[0], r[1], "").problem(http.StatusNotFound, webhook.CodeNotFound)
	}
	b.call(key, "PATCH", path, `{}`).problem(http.StatusNotFound, webhook.CodeNotFound)
	if got := b.call(key, "GET", "/v1/endpoints", "").want(http.StatusOK).data(); len(got) != 0 {
		t.Errorf("still listed: %v", got)
	}
}

func TestTestRoute(t *testing.T) {
	t.Parallel()
	b := setup(t)
	key := b.workspace("w")
	path := "/v1/endpoints/" + b.endpoint(key) + "/test"

	b.tester.response = webhook.Response{StatusCode: 200, Body: []byte("ok\xff"), Duration: 1500 * time.Microsecond}
	a := b.call(key, "POST", path, "").want(http.StatusOK)
	if want := `{"success":true,"status_code":200,"response_headers":{},"response_body":"ok` + "\uFFFD" + `","response_body_base64":"b2v/","duration_ms":2,"error":null,"error_class":null}`; strings.TrimSpace(string(a.raw)) != want {
		t.Errorf("got %s, want %s", a.raw, want)
	}
	if b.tester.eventType != "webhook.test" || b.tester.data != "{}" {
		t.Errorf("tested with %q and %s", b.tester.eventType, b.tester.data)
	}
	b.tester.response = webhook.Response{Err: &webhook.SendError{Class: webhook.ClassRefused, Detail: "connection refused"}}
	a = b.call(key, "POST", path, `{"type":"a.b","data":{"x": [1.0]}}`).want(http.StatusOK)
	if a.object()["success"] != false || a.text("error") != "connection refused" || a.object()["status_code"] != nil || a.object()["response_body"] != nil {
		t.Errorf("got %s", a.raw)
	}
	if b.tester.eventType != "a.b" || b.tester.data != `{"x":[1.0]}` {
		t.Errorf("tested with %q and %s", b.tester.eventType, b.tester.data)
	}
	b.tester.response = webhook.Response{StatusCode: 302}
	if a = b.call(key, "POST", path, `{}`).want(http.StatusOK); a.object()["success"] != false || a.object()["error"] == nil {
		t.Errorf("got %s", a.raw)
	}
	for in, pointer := range map[string]string{`{"type":"a..b"}`: "/type", `{"data":[]}`: "/data", `{"x":1}`: "/x"} {
		b.call(key, "POST", path, in).problem(http.StatusUnprocessableEntity, webhook.CodeInvalid, pointer)
	}
}

func TestCheckEndpoint(t *testing.T) {
	t.Parallel()
	b := setup(t)
	key := b.workspace("1")
	for body, pointer := range map[string]string{
		`{"url":"https://example.com/","events":["a"]}`:              "",
		`{"url":"https://blocked.example/","events":["a"]}`:          "/url",
		`{"url":"https://example.com/","events":["a..b"]}`:           "/events/0",
		`{"url":"https://example.com/","events":["a"],"secret":"x"}`: "/secret",
		`{"url":"https://example.com/","events":["a"],"nam":1}`:      "/nam",
		`{"url":"https://example.com/"}`:                             "/events",
	} {
		a := b.call(key, "POST", "/v1/endpoint-checks", body).want(http.StatusOK)
		if got := a.object()["valid"]; got != (pointer == "") || !strings.Contains(string(a.raw), `"pointer":"`+pointer) && pointer != "" {
			t.Errorf("%s: got %s", body, a.raw)
		}
	}
	if n := b.number("SELECT count(*) FROM endpoints"); n != 0 {
		t.Errorf("%d were created", n)
	}
}
