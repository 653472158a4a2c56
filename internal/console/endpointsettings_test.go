package console_test

import (
	"encoding/json"
	"html"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"github.com/postrider/postrider/client"
)

// api is a client with acme's key.
func (b *bundle) api() *client.Client { return client.New(b.url, b.key) }

// made is an endpoint of acme's with all that a form may change.
func (b *bundle) made() client.Endpoint {
	b.t.Helper()
	e, err := b.api().Endpoints.Create(b.t.Context(), client.EndpointInput{
		URL: "https://example.com/hook", Events: []string{"post.*"}, Headers: map[string]string{"X-Team": "search", "Authorization": "Bearer x"},
		Metadata: map[string]any{"a": map[string]any{"b": 1, "c": 2}, "d": nil},
	})
	if err != nil {
		b.t.Fatal(err)
	}
	return e
}

var field = regexp.MustCompile(`<(?:input|textarea|select)[^>]* name="([^"]+)"`)

// settings is the form as a browser sends it that changed what pairs say.
func (w *browser) settings(e *client.Endpoint, pairs ...string) url.Values {
	p := w.get(at(*e) + "/settings").want(200)
	if len(field.FindAllString(p.text, -1)) < 12 {
		w.t.Errorf("too few fields in %s", p.text)
	}
	f := url.Values{
		"version": {p.hidden("version")}, "url": {e.URL}, "events": {"post.*"}, "timeout": {"10"}, "retry_schedule": {"60 300 1800"}, "max_in_flight": {"64"},
		"format": {"standard"}, "is_active": {"1"}, "headers": {"Authorization: ***\r\nX-Team: ***"}, "metadata": {"{\"a\": {\"b\": 1, \"c\": 2},\r\n \"d\": null}"},
	}
	for i := 0; i < len(pairs); i += 2 {
		f.Set(pairs[i], pairs[i+1])
	}
	return f
}

// changes are the fields of the newest entry of acme's audit log, as the API kept them.
func (b *bundle) changes() string {
	b.t.Helper()
	log, err := b.api().AuditLog.List(b.t.Context(), client.AuditFilter{Limit: 1})
	if err != nil || len(log.Data) == 0 {
		b.t.Fatalf("got %+v, %v", log, err)
	}
	raw, err := json.Marshal(log.Data[0])
	if err != nil {
		b.t.Fatal(err)
	}
	return string(raw)
}

func TestEndpointSettings(t *testing.T) {
	t.Parallel()
	b := setup(t)
	w := b.browser()
	w.signIn(b.key)
	e := b.made()
	path := at(e) + "/settings"
	get := func() client.Endpoint {
		got, err := b.api().Endpoints.Get(t.Context(), e.ID)
		if err != nil {
			t.Fatal(err)
		}
		return got
	}

	t.Run("ShowsNoHeadersValue", func(*testing.T) {
		w.get(path).want(200, "Authorization: ***", "X-Team: ***").lacks("Bearer x", ">search<")
	})
	t.Run("ChangesOnlyWhatWasChanged", func(t *testing.T) {
		w.do("POST", path, w.settings(&e, "description", "mine")).leads(path + "?done=saved")
		if got := b.changes(); !strings.Contains(got, "description") || strings.Contains(got, "timeout") || strings.Contains(got, "headers") || strings.Contains(got, "metadata") {
			t.Errorf("changed %s", got)
		}
	})
	t.Run("HeadersGoAndStayByTheirLine", func(t *testing.T) {
		w.do("POST", path, w.settings(&e, "description", "mine", "headers", "authorization: ***\r\nX-New: 1")).leads(path + "?done=saved")
		if got := get().Headers; len(got) != 2 || got["Authorization"] == "" || got["X-New"] == "" {
			t.Errorf("got %v", got)
		}
		w.do("POST", path, w.settings(&e, "headers", "Host: x")).want(422, "This has Host, which is set by Postrider")
		w.do("POST", path, w.settings(&e, "headers", "X-Other: ***")).want(422, "This has X-Other, whose value is hidden")
		w.do("POST", path, w.settings(&e, "headers", "nothing")).want(422, "needs a name, a colon and a value")
		w.do("POST", path, w.settings(&e, "headers", "authorization: ***\r\nX-New: ***")).leads(path + "?done=saved")
	})
	t.Run("MetadataBecomesWhatIsTyped", func(t *testing.T) {
		w.do("POST", path, w.settings(&e, "headers", "Authorization: ***\nX-New: ***", "metadata", `{"a":{"c":3},"e":[1]}`)).leads(path + "?done=saved")
		var got any
		if err := json.Unmarshal(get().Metadata, &got); err != nil {
			t.Fatal(err)
		}
		if raw, _ := json.Marshal(got); string(raw) != `{"a":{"c":3},"e":[1]}` {
			t.Errorf("got %s", raw)
		}
		w.do("POST", path, w.settings(&e, "metadata", "[]")).want(422, "must be a JSON object")
		w.do("POST", path, w.settings(&e, "headers", "Authorization: ***\nX-New: ***", "metadata", "")).leads(path + "?done=saved")
		if got := string(get().Metadata); got != "{}" {
			t.Errorf("got %s", got)
		}
	})
	t.Run("NoneIsNoRetriesAndEmptyTheDefault", func(t *testing.T) {
		same := []string{"headers", "Authorization: ***\nX-New: ***", "metadata", ""}
		w.do("POST", path, w.settings(&e, append(same, "retry_schedule", "none")...)).leads(path + "?done=saved")
		if got := get().RetrySchedule; len(got) != 0 {
			t.Errorf("got %v", got)
		}
		w.do("POST", path, w.settings(&e, append(same, "retry_schedule", "")...)).leads(path + "?done=saved")
		if got := get().RetrySchedule; len(got) != 3 {
			t.Errorf("got %v", got)
		}
	})
	t.Run("ADescriptionOfSeveralLinesStaysWhereNobodyTouchedIt", func(t *testing.T) {
		if _, err := b.api().Endpoints.Update(t.Context(), e.ID, client.EndpointPatch{Description: client.Set("two\nlines")}); err != nil {
			t.Fatal(err)
		}
		// A field of one line gives back a text without its line breaks.
		f := w.settings(&e, "headers", "Authorization: ***\nX-New: ***", "metadata", "", "description", "twolines", "timeout", "11")
		w.do("POST", path, f).leads(path + "?done=saved")
		if got := get(); got.Description != "two\nlines" || got.Timeout != 11 {
			t.Errorf("got %q, %d s", got.Description, got.Timeout)
		}
	})
	t.Run("AsksWhereSomebodyElseChangedItMeanwhile", func(t *testing.T) {
		f := w.settings(&e, "url", "https://example.com/mine", "headers", "Authorization: ***\nX-New: ***", "metadata", "")
		if _, err := b.api().Endpoints.Update(t.Context(), e.ID, client.EndpointPatch{Description: client.Set("theirs")}); err != nil {
			t.Fatal(err)
		}
		p := w.do("POST", path, f).want(409, "was changed since you opened this form", "https://example.com/mine")
		if get().URL != e.URL {
			t.Error("saved nevertheless")
		}
		f.Set("version", p.hidden("version"))
		w.do("POST", path, f).leads(path + "?done=saved")
	})
	t.Run("IsDeletedByAWord", func(*testing.T) {
		w.do("POST", at(e)+"/delete", url.Values{"confirm": {"yes"}}).want(422, "must be the word delete", `name="version"`).lacks("Not saved")
		get()
		w.do("POST", at(e)+"/delete", url.Values{"confirm": {" delete "}}).leads("/console/w/acme/endpoints?done=deleted")
		w.get(path).want(404)
	})
}

// unescaped is the page with its characters as they are read: a secret's + is &#43; in it.
func (p page) unescaped() page {
	p.text = html.UnescapeString(p.text)
	return p
}

func TestEndpointSecret(t *testing.T) {
	t.Parallel()
	b := setup(t)
	w := b.browser()
	w.signIn(b.key)
	e := b.made()
	path := at(e) + "/secret"

	w.get(path).want(200, ">Show it<").lacks("whsec_M", e.Secret, "It is being rotated")
	w.do("POST", path, nil).unescaped().want(200, e.Secret).lacks(">Show it<")
	if got := b.changes(); !strings.Contains(got, "getEndpointSecret") || strings.Contains(got, e.Secret) {
		t.Errorf("the audit log has %s", got)
	}
	w.do("POST", path+"/rotate", url.Values{"overlap": {"86400"}, "secret": {"weak"}}).want(422, "Not rotated", "whsec_ and the base64 of 24 to 64 bytes", `value="weak"`)
	f := url.Values{"overlap": {"3600"}, "once": {w.get(path).hidden("once")}}
	p := w.do("POST", path+"/rotate", f).unescaped().want(200, "Rotated.", "It is being rotated", "Promote the new secret")
	p.lacks(e.Secret)
	again := w.do("POST", path+"/rotate", f).unescaped().want(200, "Rotated.")
	secret := regexp.MustCompile(`whsec_[A-Za-z0-9+/=]{32,}`)
	if a, b := secret.FindString(p.text), secret.FindString(again.text); a == "" || a != b {
		t.Errorf("the form sent again rotated again: %q, %q", a, b)
	}
	w.do("POST", path, nil).unescaped().want(200, e.Secret, secret.FindString(p.text), "The old one, until it ends")
	w.do("POST", path+"/promote", nil).leads(path + "?done=promoted")
	w.do("POST", path+"/promote", nil).leads(path) // it had ended
	w.do("POST", path, nil).unescaped().want(200, secret.FindString(p.text)).lacks(e.Secret, "It is being rotated")
}

func TestWhoMayOnlyLookAtAnEndpoint(t *testing.T) {
	t.Parallel()
	b := setup(t)
	e := b.made()
	w := b.browser()
	w.get(b.link(false)).leads("/portal/")
	path := "/portal/w/acme/endpoints/" + e.ID
	w.get(path).want(200, e.URL, ">Deliveries<").lacks("<form method=\"post\" action=\"/portal/w", "Send a test", ">Test<", ">Secret<", ">Settings<", e.Secret, "Bearer x")
	w.get(path + "/deliveries").want(200)
	w.get("/portal/w/acme/endpoints").want(200, e.URL).lacks("/settings", "/disable")
	for _, tab := range []string{"/test", "/diagnose", "/catch-up", "/secret", "/settings"} {
		w.get(path+tab).want(403, "endpoints:write")
	}
	for _, done := range []string{"/test", "/diagnose", "/catch-up", "/catch-up/count", "/secret", "/secret/rotate", "/secret/promote", "/settings", "/delete", "/enable", "/disable"} {
		w.do("POST", path+done, url.Values{"confirm": {"delete"}}).want(403).lacks(e.Secret)
	}
	w.get("/portal/w/globex/endpoints/" + e.ID).want(404)
	manager := b.browser()
	manager.get(b.link(true)).leads("/portal/")
	manager.get(path).want(200, "Send a test", ">Secret<")
	manager.do("POST", path+"/secret", nil).unescaped().want(200, e.Secret)
}
