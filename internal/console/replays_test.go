package console_test

import (
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/postrider/postrider/client"
	"github.com/postrider/postrider/internal/postgres"
	"github.com/postrider/postrider/internal/webhook"
)

// onceIn is the token in a page's form.
func (p page) onceIn() string {
	m := regexp.MustCompile(`name="once" value="([\w-]+)"`).FindStringSubmatch(p.text)
	if m == nil {
		p.t.Fatalf("no token in %s", p.text)
	}
	return m[1]
}

func TestReplays(t *testing.T) {
	t.Parallel()
	w, r := running(t), newReceiver(t)
	r.answers(http.StatusInternalServerError, "")
	ep := w.endpoint(r.URL, func(in *client.EndpointInput) { in.RetrySchedule = []int{} })
	for i := range 3 {
		w.publish("post.created", map[string]any{"i": i})
	}
	b := w.browser()
	b.signIn(w.key)
	const all = "/console/w/acme/replays"
	b.get(all).want(200, "No replays yet")
	failed := b.get(deliveriesPath + "?status=failed").want(200)
	ids := failed.of()
	if len(ids) != 3 {
		t.Fatalf("%d failed", len(ids))
	}
	r.answers(http.StatusNoContent, "")

	t.Run("OfChosenOnesAreMadeOnceHoweverOftenTheFormIsSent", func(t *testing.T) {
		form := url.Values{"delivery": ids[:2], "once": {failed.onceIn()}}
		first := b.do("POST", deliveriesPath+"/replay", form)
		second := b.do("POST", deliveriesPath+"/replay", form)
		to := first.header.Get("Location")
		if first.status != http.StatusSeeOther || to != second.header.Get("Location") || !strings.HasPrefix(to, all+"/rpl_") {
			t.Fatalf("%d to %s, and then %s", first.status, to, second.header.Get("Location"))
		}
		path, _, _ := strings.Cut(to, "?")
		live, _ := b.stream(path + "/live")
		message(t, live, "progress", "2 of 2")
		message(t, live, "settled", "end")
		b.get(to).want(200, "Replay started.", "Done", "2 of 2", "(100 %)", " a second", "2 chosen deliveries", ids[0], ids[1]).without("Cancel replay", "sse-connect", "%!")
		b.get(all).want(200, "2 chosen deliveries", "2 of 2", "Done").without(">Cancel<")
		w.eventually("they are delivered", func() bool { return len(b.get(deliveriesPath+"?status=success").of()) == 2 })
		if len(b.get(deliveriesPath+"?status=failed").of()) != 3 {
			t.Error("the old ones are changed")
		}
	})
	t.Run("OfAllThatMatchAreCountedFirst", func(t *testing.T) {
		query := "?endpoint=" + ep.ID + "&status=failed&type=post.created"
		asked := b.get(deliveriesPath+"/replay"+query).want(200, "1 delivery", ep.URL, "Replay 1 delivery")
		form := url.Values{"once": {asked.onceIn()}}
		for _, m := range regexp.MustCompile(`type="hidden" name="(endpoint|status|type|since|until)" value="([^"]*)"`).FindAllStringSubmatch(asked.text, -1) {
			form.Set(m[1], m[2])
		}
		to := b.do("POST", deliveriesPath+"/replay-all", form).header.Get("Location")
		if !strings.HasPrefix(to, all+"/rpl_") {
			t.Fatalf("leads to %q", to)
		}
		w.eventually("it is made", func() bool { return strings.Contains(b.get(to).text, "1 of 1") })
		b.get(to).want(200, ep.URL, "post.created", "failed")
		for _, query := range []string{"", "?endpoint=" + ep.ID, "?status=failed", "?endpoint=" + ep.ID + "&status=pending", "?endpoint=" + ep.ID + "&status=failed&since=x", "?endpoint=" + ep.ID + "&status=failed&id=a"} {
			b.get(deliveriesPath+"/replay"+query).want(422, "can’t be replayed as a whole")
		}
		b.get(deliveriesPath + "/replay?endpoint=ep_x&status=failed").want(404)
	})
	t.Run("OfNothingAreRefused", func(_ *testing.T) {
		b.do("POST", deliveriesPath+"/replay", nil).want(422, "Nothing was chosen")
		b.do("POST", deliveriesPath+"/replay", url.Values{"delivery": {ids[0], "dlv_x"}}).want(422, "is no delivery of the workspace")
		b.do("POST", deliveriesPath+"/replay", url.Values{"delivery": {"\x00\xff"}}).want(400)
		b.get(all + "/rpl_x").want(404)
		b.get(all + "/%00").want(400)
		b.do("POST", all+"/rpl_x/cancel", nil).want(404)
	})
}

// A replay goes on until a scheduler has made all of it; here is none.
func TestReplaysThatRun(t *testing.T) {
	t.Parallel()
	w := setup(t)
	b := w.browser()
	b.signIn(w.key)
	const all = "/console/w/acme/replays"
	t.Run("AreCanceled", func(_ *testing.T) {
		id := w.replayRunning()
		b.get(all+"/"+id).want(200, "Running", "Cancel replay", "0 of 3", `sse-connect="`+all+`/`+id+`/live"`)
		b.get(all).want(200, "Running", ">Cancel<")
		b.do("POST", all+"/"+id+"/cancel", nil).leads(all + "/" + id + "?done=replay-canceled")
		b.get(all+"/"+id+"?done=replay-canceled").want(200, "Canceled", "Replay canceled.").without("Cancel replay")
		b.do("POST", all+"/"+id+"/cancel", nil).leads(all + "/" + id) // it is over
	})
	t.Run("NeedTheirScopes", func(_ *testing.T) {
		reader := w.browser()
		reader.signIn(w.keyOf("deliveries:read"))
		id := w.replayRunning()
		reader.get(all + "/" + id).want(200).without("Cancel replay")
		reader.get(all).want(200).without(">Cancel<")
		reader.do("POST", deliveriesPath+"/replay", url.Values{"delivery": {"dlv_x"}}).want(403)
		reader.do("POST", all+"/"+id+"/cancel", nil).want(403)
		reader.get(deliveriesPath + "/replay?endpoint=ep_x&status=failed").want(403)
	})
}

// replayRunning starts one of three deliveries.
func (b *bundle) replayRunning() string {
	b.t.Helper()
	now := time.Now()
	r := webhook.Replay{
		ID: webhook.NewID(now), WorkspaceID: "acme", Status: webhook.ReplayRunning, Since: now, Until: now, Total: 3,
		DeliveryIDs: []webhook.ID{webhook.NewID(now), webhook.NewID(now), webhook.NewID(now)},
	}
	if err := postgres.NewReplays(b.db).Create(b.t.Context(), &r); err != nil {
		b.t.Fatal(err)
	}
	return r.ID.Format(webhook.ReplayPrefix)
}
