package console_test

import (
	"testing"

	"github.com/postrider/postrider/client"
)

func TestTheOverviewNamesEndpointsThatWereGivenUp(t *testing.T) {
	t.Parallel()
	w, r := running(t), newReceiver(t)
	b := w.browser()
	b.signIn(w.key)
	const overview = "/console/w/acme/overview"
	b.get(overview).want(200, "There are no endpoints yet.").lacks("All endpoints are well.")

	by := w.endpoint("http://127.0.0.1:9/by-somebody")
	if _, err := w.client.Endpoints.Update(t.Context(), by.ID, client.EndpointPatch{IsActive: client.Set(false)}); err != nil {
		t.Fatal(err)
	}
	b.get(overview).want(200, "All endpoints are well.").lacks("by-somebody")

	r.answers(410, "")
	e := w.endpoint(r.URL + "/gone")
	w.publish("post.created", map[string]any{})
	w.eventually("it is disabled", func() bool {
		now, err := w.client.Endpoints.Get(t.Context(), e.ID)
		return err == nil && !now.IsActive
	})
	b.get(overview).want(200, r.URL+"/gone", "it answered 410 Gone", "Disabled").lacks("All endpoints are well.", "by-somebody")
}
