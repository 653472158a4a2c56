package console_test

import (
	"bufio"
	"context"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/postrider/postrider/client"
)

const deliveriesPath = "/console/w/acme/deliveries"

// of are the ids of the deliveries on a page, newest first.
func (p page) of() (ids []string) {
	for _, m := range regexp.MustCompile(`<tr id="(dlv_\w+)"`).FindAllStringSubmatch(p.text, -1) {
		ids = append(ids, m[1])
	}
	return ids
}

func (p page) without(texts ...string) page {
	p.t.Helper()
	for _, text := range texts {
		if strings.Contains(p.text, text) {
			p.t.Errorf("%q is in %s", text, p.text)
		}
	}
	return p
}

func TestDeliveriesPage(t *testing.T) {
	t.Parallel()
	w, good, bad := running(t), newReceiver(t), newReceiver(t)
	b := w.browser()
	b.signIn(w.key)
	b.get(deliveriesPath).want(200, "No deliveries yet", "curl $URL/v1/events")
	bad.answers(http.StatusServiceUnavailable, `<script>alert(1)</script>`)
	well := w.endpoint(good.URL + "/well")
	ill := w.endpoint(bad.URL+"/ill", func(in *client.EndpointInput) { in.Events, in.RetrySchedule = []string{"post.created"}, []int{} })
	event := w.publish("post.created", map[string]any{"id": 1})
	w.publish("user.created", map[string]any{"id": 2})
	slow := w.endpoint("http://127.0.0.1:9/", func(in *client.EndpointInput) { in.Events = []string{"post.refused"} })
	w.publish("post.refused", map[string]any{})

	t.Run("SaysOfEachWhatBecameOfIt", func(t *testing.T) {
		p := b.get(deliveriesPath).want(200, "post.created", "503 Service Unavailable", "204 No Content", "Delivered", "Failed", "Pending", "Connection refused", "took ",
			well.URL, ill.URL, `href="/console/w/acme/endpoints/`+ill.ID+`"`, `href="/console/w/acme/deliveries/dlv_`)
		if n := len(p.of()); n != 5 || inline.MatchString(p.text) {
			t.Errorf("%d deliveries in %s", n, p.text)
		}
	})
	t.Run("IsNarrowedByEachFilterWhichStaysInTheForm", func(t *testing.T) {
		since := time.Now().Add(-time.Hour).UTC().Format("2006-01-02T15:04:05")
		for query, want := range map[string]struct {
			n     int
			texts []string
		}{
			"status=failed":                           {1, []string{`<option value="failed" selected>`, "Status: <strong>Failed</strong>", `class="chip" href="` + deliveriesPath + `"`}},
			"endpoint=" + well.ID:                     {3, []string{`<option value="` + well.ID + `" selected>`, "Endpoint: <strong>" + well.URL}},
			"type=user.created":                       {1, []string{`value="user.created"`}},
			"status_class=5xx":                        {1, []string{`<option value="5xx" selected>`}},
			"status_class=2xx":                        {3, nil},
			"status_class=none":                       {1, []string{"Connection refused"}},
			"status_class=refused":                    {1, []string{`<option value="refused" selected>`, "Answer: <strong>Connection refused</strong>"}},
			"status_class=timeout":                    {0, []string{"No delivery matches"}},
			"within=1h":                               {5, []string{`<option value="1h" selected>`, "Time: <strong>Last hour</strong>"}},
			"since=" + url.QueryEscape(since):         {5, []string{`value="` + since + `"`, `<details class="more" open>`}},
			"until=2001-01-01T00:00":                  {0, nil},
			"id=" + event.ID:                          {2, []string{`value="` + event.ID + `"`}},
			"id=nobodys":                              {0, []string{"No delivery matches"}},
			"status=failed&endpoint=" + well.ID:       {0, []string{`href="` + deliveriesPath + `?endpoint=` + well.ID + `"`, `href="` + deliveriesPath + `?status=failed"`}},
			"endpoint=" + slow.ID + "&status=pending": {1, nil},
		} {
			p := b.get(deliveriesPath+"?"+query).want(200, want.texts...)
			if n := len(p.of()); n != want.n {
				t.Errorf("%s shows %d, want %d", query, n, want.n)
			}
		}
	})
	t.Run("SaysBesideAFieldWhatIsWrongWithIt", func(t *testing.T) {
		for query, field := range map[string]string{
			"status=sad": "status", "type=a..b": "type", "status_class=7xx": "status_class", "within=1y": "within",
			"since=yesterday": "since", "until=2024-13-01": "until", "since=%3Cscript%3E": "since",
		} {
			p := b.get(deliveriesPath+"?"+query).want(422, "These filters can’t be used").without(`role="alert"`, "%!")
			if !regexp.MustCompile(`id="`+field+`-error">This [^<]+\.<`).MatchString(p.text) || inline.MatchString(p.text) {
				t.Errorf("%s: %s has no error in %s", query, field, p.text)
			}
		}
		b.get(deliveriesPath+"?cursor=x").want(422, `role="alert"`)
		for _, query := range []string{"id=%00", "id=%ff%fe", "endpoint=%00", "endpoint=ep_x", "cursor=%00", "id=" + strings.Repeat("x", 3000)} {
			if p := b.get(deliveriesPath + "?" + query); p.status >= 500 {
				t.Errorf("%s: %d", query, p.status)
			}
		}
	})
	t.Run("LeadsStraightToADelivery", func(_ *testing.T) {
		b.get(deliveriesPath + "?id=dlv_x").leads(deliveriesPath + "/dlv_x")
		b.get(deliveriesPath + "?id=" + url.QueryEscape("dlv_/../../x?y#z")).leads(deliveriesPath + "/dlv_%2F..%2F..%2Fx%3Fy%23z")
	})
	t.Run("OffersOnlyWhatTheReaderMay", func(_ *testing.T) {
		reader := w.browser()
		reader.signIn(w.keyOf("deliveries:read"))
		reader.get(deliveriesPath+"?status=failed&endpoint="+ill.ID).want(200, ill.ID).without("Replay chosen", `type="checkbox"`, "Replay all", ill.URL)
		b.get(deliveriesPath+"?status=failed&endpoint="+ill.ID).want(200, "Replay chosen", `href="`+deliveriesPath+`/replay?endpoint=`+ill.ID+`&amp;status=failed"`, `sse-connect="`+deliveriesPath+`/live?endpoint=`+ill.ID+`&amp;status=failed"`)
		b.get(deliveriesPath + "?status=failed").want(200).without("Replay all that match")
	})
}

// stream opens a live page and hands its messages on, by event.
func (w *browser) stream(path string) (messages <-chan [2]string, header http.Header) {
	w.t.Helper()
	ctx, cancel := context.WithCancel(w.t.Context())
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, w.url+path, nil)
	if err != nil {
		w.t.Fatal(err)
	}
	resp, err := w.http.Do(req) //nolint:bodyclose // the reader below closes it
	if err != nil {
		w.t.Fatal(err)
	}
	out, over := make(chan [2]string, 1000), make(chan struct{})
	w.t.Cleanup(func() { cancel(); <-over })
	go func() {
		defer close(over)
		defer close(out)
		defer resp.Body.Close()
		var m [2]string
		lines := bufio.NewScanner(resp.Body)
		for lines.Buffer(nil, 1<<20); lines.Scan(); {
			name, value, _ := strings.Cut(lines.Text(), ": ")
			switch name {
			case "event":
				m[0] = value
			case "data":
				m[1] += value + "\n"
			case "":
				if m[0] != "" {
					out <- m
				}
				m = [2]string{}
			}
		}
	}()
	return out, resp.Header
}

// message waits for one that has the text.
func message(t *testing.T, all <-chan [2]string, event, text string) string {
	t.Helper()
	end := time.After(20 * time.Second)
	for {
		select {
		case m, more := <-all:
			if !more {
				t.Fatalf("the stream ended before %q", text)
			}
			if m[0] == event && strings.Contains(m[1], text) {
				return m[1]
			}
		case <-end:
			t.Fatalf("no %s with %q within 20 s", event, text)
		}
	}
}

func TestDeliveriesAreLive(t *testing.T) {
	t.Parallel()
	w, r := running(t), newReceiver(t)
	w.endpoint(r.URL)
	b := w.browser()
	b.signIn(w.key)

	t.Run("AsTheyAreMadeAndThoseThatMatch", func(t *testing.T) {
		all, header := b.stream(deliveriesPath + "/live")
		some, _ := b.stream(deliveriesPath + "/live?type=post.deleted")
		if header.Get("X-Accel-Buffering") != "no" || header.Get("Content-Type") != "text/event-stream" || header.Get("Content-Security-Policy") == "" {
			t.Errorf("headers: %v", header)
		}
		message(t, all, "rows", "No deliveries yet")
		w.publish("post.created", map[string]any{})
		message(t, all, "rows", "post.created")
		w.publish("post.deleted", map[string]any{})
		if rows := message(t, some, "rows", "post.deleted"); strings.Contains(rows, "post.created") {
			t.Errorf("shows what does not match: %s", rows)
		}
	})
	t.Run("AtMostFourTimesASecondAndAPageAtATime", func(t *testing.T) {
		all, _ := b.stream(deliveriesPath + "/live")
		first := message(t, all, "rows", "<tr")
		began := time.Now()
		for range 30 {
			for i := range 4 {
				w.publish("burst.of", map[string]any{"i": i})
			}
		}
		took := time.Since(began)
		<-time.After(500 * time.Millisecond)
		n := len(all)
		if most := int((took+500*time.Millisecond)/(250*time.Millisecond)) + 2; n > most {
			t.Errorf("%d messages in %s", n, took)
		}
		rows := message(t, all, "rows", "burst.of")
		for len(all) > 0 {
			rows = (<-all)[1]
		}
		if n := strings.Count(rows, "<tr id="); n != 50 || first == rows {
			t.Errorf("%d rows", n)
		}
	})
	t.Run("UntilTheSessionEnds", func(t *testing.T) {
		one, before := w.browser(), w.liveStreams()
		one.signIn(w.key)
		all, _ := one.stream(deliveriesPath + "/live")
		message(t, all, "rows", "<tr")
		w.eventually("it follows the API's stream", func() bool { return w.liveStreams() != before })
		one.do("POST", "/console/sign-out", nil)
		end := time.After(20 * time.Second)
		for open := true; open; {
			select {
			case _, open = <-all:
			case <-end:
				t.Fatal("it goes on")
			}
		}
		w.eventually("the API's stream ends, too", func() bool { return w.liveStreams() == before })
	})
}
