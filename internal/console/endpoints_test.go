package console_test

import (
	"net/url"
	"regexp"
	"strings"
	"testing"
)

func TestEndpoints(t *testing.T) {
	t.Parallel()
	b := setup(t)
	w := b.browser()
	w.signIn(b.key)
	const all = "/console/w/acme/endpoints"
	form := func(pairs ...string) url.Values {
		f := url.Values{"url": {"https://example.com/hook"}, "events": {"post.*\ncomment.created"}, "is_active": {"1"}}
		for i := 0; i < len(pairs); i += 2 {
			f.Set(pairs[i], pairs[i+1])
		}
		return f
	}

	t.Run("RefusesWhatTheAPIRefusesBesideItsField", func(t *testing.T) {
		for field, f := range map[string]url.Values{
			"url": form("url", "https://blocked.example"), "events": form("events", "a..b"), "filters": form("filters", "{"),
			"timeout": form("timeout", "61"), "retry_schedule": form("retry_schedule", "soon"), "rate_limit": form("rate_limit", "x"),
		} {
			p := w.do("POST", all, f).want(422, "Not saved.")
			if !regexp.MustCompile(`id="` + field + `-error" aria-live="polite">This [^<]+\.<`).MatchString(p.text) {
				t.Errorf("%s has no error in %s", field, p.text)
			}
		}
		w.get(all).want(200, "No endpoints yet")
	})
	t.Run("IsCheckedWhileItIsFilledInAndNothingIsCreated", func(t *testing.T) {
		p := w.do("POST", all+"/check", form("url", "https://blocked.example")).want(200, "This is blocked.")
		if strings.Contains(p.text, "<html") {
			t.Error("a whole page")
		}
		if p := w.do("POST", all+"/check", form("url", "")).want(200); strings.Contains(p.text, "This ") {
			t.Errorf("what is not filled in yet is wrong: %s", p.text)
		}
		w.get(all).want(200, "No endpoints yet")
	})
	t.Run("CreatesOneHoweverOftenTheFormIsSent", func(t *testing.T) {
		f := form("once", "the-same")
		first := w.do("POST", all, f).want(201, "whsec_")
		second := w.do("POST", all, f).want(201, "whsec_")
		if first.text != second.text {
			t.Error("the second time another one was created")
		}
		w.get(all).want(200, "https://example.com/hook", "Gets everything under post and comment.created", "Healthy")
	})
	t.Run("ChangesWhatTheFormHasAndSwitches", func(t *testing.T) {
		id := regexp.MustCompile(`endpoints/(ep_\w+)/settings`).FindStringSubmatch(w.get(all).text)[1]
		version := regexp.MustCompile(`name="version" value="([^"]+)"`).FindStringSubmatch(w.get(all+"/"+id+"/settings").want(200, "post.*").text)[1]
		f := form("description", "<b>search</b>", "filters", `{"status":"published"}`, "version", version)
		w.do("POST", all+"/"+id+"/settings", f).leads(all + "/" + id + "/settings?done=saved")
		w.get(all).want(200, "&lt;b&gt;search&lt;/b&gt;", "if status is “published”")
		w.do("POST", all+"/"+id+"/disable", nil).leads(all + "?done=disabled")
		w.get(all+"?done=disabled").want(200, "Disabled", "Endpoint disabled.")
		w.do("POST", all+"/"+id+"/enable", nil).leads(all + "?done=enabled")
		if p := w.get(all).want(200, "Healthy"); strings.Contains(p.text, `class="toast"`) {
			t.Error("says again what was done")
		}
	})
}

func TestEmptyPagesShowTheNextCommand(t *testing.T) {
	t.Parallel()
	b := setup(t)
	w := b.browser()
	w.signIn(b.key)
	for _, path := range []string{"/console/w/acme/endpoints", "/console/w/acme/overview"} {
		w.get(path).want(200, "curl $URL/v1/", "Content-Type: application/json")
	}
	customer := b.browser()
	customer.get(b.link(true)).want(303)
	for path, says := range map[string]string{
		"/endpoints": "An endpoint is a URL of yours that gets events.", "/overview": "What is delivered is counted here", "/deliveries": "They arrive here as events are published.",
		"/events": "They arrive here as they are published.", "/replays": "A replay delivers stored events again.", "/event-types": "Here it will say which events there are",
	} {
		customer.get("/portal/w/acme"+path).want(200, says).lacks("curl", "$KEY", "postrider send", "postrider replay", "command line")
	}
}
