package console_test

import (
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/postrider/postrider/client"
)

// hidden is the value of a field that a form brings along.
func (p page) hidden(name string) string {
	p.t.Helper()
	m := regexp.MustCompile(`name="` + name + `" value="([^"]*)"`).FindStringSubmatch(p.text)
	if m == nil {
		p.t.Fatalf("no field %s in %s", name, p.text)
	}
	return m[1]
}

func at(e client.Endpoint) string { return "/console/w/acme/endpoints/" + e.ID }

func TestEndpointPage(t *testing.T) {
	t.Parallel()
	w, r := running(t), newReceiver(t)
	b := w.browser()
	b.signIn(w.key)

	t.Run("SaysHowItIsAndShowsItsNewestFailures", func(t *testing.T) {
		e := w.endpoint(r.URL+"/fails", func(in *client.EndpointInput) {
			in.RetrySchedule, in.Filters = []int{}, map[string]any{"likes": map[string]any{"$gte": 10}}
		})
		b.get(at(e)).want(200, "Its last attempt succeeded, or there was none yet.", "every event", "likes is at least 10", "No deliveries yet")
		r.answers(http.StatusInternalServerError, "<b>no</b>")
		w.publish("post.created", map[string]any{"likes": 10})
		w.eventually("it fails", func() bool { return strings.Contains(b.get(at(e)).text, "Failing") })
		failed, err := w.client.Endpoints.Deliveries(t.Context(), e.ID, client.EventDeliveryFilter{Status: client.DeliveryFailed})
		if err != nil || len(failed.Data) != 1 {
			t.Fatalf("got %+v, %v", failed, err)
		}
		b.get(at(e)).want(200, "1 attempt failed in a row.", "No 2xx answer", "/console/w/acme/deliveries/"+failed.Data[0].ID, "Find out why")
		b.get(at(e)+"/deliveries").want(200, failed.Data[0].ID, "500")
		b.get(at(e)+"/deliveries?status=success").want(200, "No deliveries here")
		if _, err := w.client.Endpoints.Update(t.Context(), e.ID, client.EndpointPatch{IsActive: client.Set(false)}); err != nil {
			t.Fatal(err)
		}
		b.get(at(e)).want(200, "Somebody disabled it", "Catch up", ">Enable<")
	})
	t.Run("SendsATestAndShowsWhatCameBack", func(t *testing.T) {
		r.answers(http.StatusTeapot, "<script>alert(1)</script>")
		e := w.endpoint(r.URL + "/test")
		if _, err := w.client.EventTypes.Put(t.Context(), "post.created", client.EventTypeInput{Example: map[string]any{"title": "Mine"}}); err != nil {
			t.Fatal(err)
		}
		b.get(at(e)+"/test?type=post.created").want(200, "Mine", `<option selected>post.created</option>`)
		b.get(at(e)+"/test?type=comment.updated").want(200, "changes", "comment.updated")
		b.get(at(e)+"/test?type=%3Cscript%3E").want(200).lacks("<script>alert", "%3Cscript")
		send := func(data string) page {
			return b.do("POST", at(e)+"/test", url.Values{"type": {"post.created"}, "data": {data}})
		}
		p := send(`{"title":"Edited"}`).want(200, "418", "&lt;script&gt;alert(1)&lt;/script&gt;", "Content-Length", "Edited", "Failed", "ms")
		p.lacks("<script>alert")
		if got := r.last(); !strings.Contains(got, `"object":{"title":"Edited"}`) || !strings.Contains(got, "X-Webhook-Event: post.created") {
			t.Errorf("got %s", got)
		}
		send(`{"title":`).want(422, "Not sent: this is no JSON", "{&#34;title&#34;:")
		send(`[]`).want(422, "Not sent: this must be a JSON object")
		b.headers["HX-Request"] = "true"
		defer delete(b.headers, "HX-Request")
		send(`{}`).want(200, "418").lacks("<html", "<form")
		b.get(at(e)+"/test?type=post.created").want(200, "Mine").lacks("<html", "<form")
	})
	t.Run("DiagnosesStepByStep", func(*testing.T) {
		r.answers(http.StatusInternalServerError, "")
		e := w.endpoint(r.URL + "/broken")
		b.get(at(e)+"/diagnose").want(200, "Run the diagnosis").lacks("Host name")
		b.do("POST", at(e)+"/diagnose", nil).want(200, "Host name", "only a 2xx counts as delivered", "Look into the receiver", "Not checked", "Status code", "127.0.0.1")
		r.answers(http.StatusNoContent, "")
		b.do("POST", at(e)+"/diagnose", nil).want(200, "The receiver accepts forged webhooks", "answer 401")
		shut := w.endpoint("http://127.0.0.1:1/shut")
		b.do("POST", at(shut)+"/diagnose", nil).want(200, "Check that the receiver runs", "Not checked: an earlier step failed")
	})
	t.Run("CatchesUpAfterCounting", func(t *testing.T) {
		r.answers(http.StatusInternalServerError, "")
		e := w.endpoint(r.URL+"/catch-up", func(in *client.EndpointInput) { in.RetrySchedule = []int{} })
		w.publish("post.created", map[string]any{})
		f := url.Values{"of": {"failed"}, "since": {time.Now().UTC().Add(-time.Hour).Format("2006-01-02T15:04")}, "types": {"post.created"}}
		b.do("POST", at(e)+"/catch-up/count", url.Values{"of": {"failed"}, "since": {"soon"}}).want(422, "since must be a date")
		b.do("POST", at(e)+"/catch-up/count", url.Values{"of": {"everything"}, "since": f["since"]}).want(422, "statuses must be one of failed")
		p := b.do("POST", at(e)+"/catch-up/count", f).want(200, "<strong>1 delivery</strong> would be made.")
		p.lacks("rpl_")
		f.Set("until", p.hidden("until"))
		f.Set("once", p.hidden("once"))
		r.answers(http.StatusNoContent, "")
		for range 2 { // sent twice, started once
			b.do("POST", at(e)+"/catch-up", f).leads(at(e) + "/catch-up?done=replaying")
		}
		w.eventually("it was delivered", func() bool {
			all, err := w.client.Endpoints.Deliveries(t.Context(), e.ID, client.EventDeliveryFilter{Status: client.DeliverySuccess})
			return err == nil && len(all.Data) == 1
		})
		w.eventually("it says so", func() bool { return strings.Contains(b.get(at(e)+"/catch-up").text, "1 of 1 delivery") })
		if n := strings.Count(b.get(at(e)+"/catch-up").want(200, "/console/w/acme/replays/rpl_").text, "/replays/rpl_"); n != 1 {
			t.Errorf("%d replays", n)
		}
	})
}
