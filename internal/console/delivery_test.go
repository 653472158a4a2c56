package console_test

import (
	"bytes"
	"html"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/postrider/postrider/client"
	"github.com/postrider/postrider/signature"
)

// delivered publishes an event and returns the delivery that it made.
func (w *whole) delivered(eventType string, data any) client.Delivery {
	w.t.Helper()
	e := w.publish(eventType, data)
	all, err := w.client.Deliveries.List(w.t.Context(), client.DeliveryFilter{EventID: e.ID})
	if err != nil || len(all.Data) != 1 {
		w.t.Fatalf("got %+v, %v", all.Data, err)
	}
	return all.Data[0]
}

func TestDelivery(t *testing.T) {
	t.Parallel()
	w, r := running(t), newReceiver(t)
	const hostile = `</pre><script>alert(1)</script>`
	r.answers(http.StatusInternalServerError, `{"error":"`+hostile+`"}`)
	endpoint := w.endpoint(r.URL+"/hook?x='<b>'", func(in *client.EndpointInput) {
		in.Headers, in.Description = map[string]string{"X-Secret-Token": "t0ps3cret-value"}, hostile
	})
	d := w.delivered("post.created", map[string]any{"html": hostile})
	b := w.browser()
	b.signIn(w.key)
	path := "/console/w/acme/deliveries/" + d.ID

	t.Run("ShowsWhatFailedWhyAndWhenTheNextAttemptIs", func(t *testing.T) {
		p := b.get(path).want(200, "Pending", "500 Internal Server Error", "the receiver answered 500", "Attempt 2", "in 1 min", "2 more attempts",
			"Look in its log", "X-Webhook-Signature", "X-Secret-Token", "***", "sse-connect", "Cancel delivery", endpoint.ID, d.EventID)
		if strings.Contains(p.text, "t0ps3cret") || strings.Contains(p.text, endpoint.Secret) {
			t.Error("a secret is on the page")
		}
	})
	t.Run("ShowsWhatStrangersSentAsText", func(t *testing.T) {
		p := b.get(path).want(200, "&lt;/pre&gt;&lt;script&gt;alert(1)&lt;/script&gt;")
		if strings.Contains(p.text, hostile) || inline.MatchString(p.text) {
			t.Error("it is part of the page")
		}
	})
	t.Run("GivesTheBodyAsItWasSent", func(t *testing.T) {
		p := b.get(path + "/body").want(200)
		if sent := r.lastBody(); p.text != sent || p.header.Get("Content-Disposition") == "" || strings.HasPrefix(p.header.Get("Content-Type"), "text/html") {
			t.Errorf("got %q as %v, want %q", p.text, p.header, sent)
		}
	})
	t.Run("SaysWhyItWaits", func(t *testing.T) {
		off, err := w.client.Endpoints.Update(t.Context(), endpoint.ID, client.EndpointPatch{IsActive: client.Set(false)})
		if err != nil || off.IsActive {
			t.Fatal(err)
		}
		b.get(path).want(200, "The endpoint is disabled.", "It goes on once the endpoint is enabled.", "when it is let go")
		if _, err := w.client.Endpoints.Update(t.Context(), endpoint.ID, client.EndpointPatch{IsActive: client.Set(true)}); err != nil {
			t.Fatal(err)
		}
	})
	t.Run("IsCanceledAndRetriedAndShowsWhoWasOvertakenHowItIs", func(t *testing.T) {
		b.do("POST", path+"/retry", nil).leads(path + "?done=overtaken")
		b.do("POST", path+"/cancel", nil).leads(path + "?done=canceled")
		b.get(path).want(200, "Canceled", "canceled by request", "Retry now")
		r.answers(http.StatusOK, "\x00\xff binary")
		b.do("POST", path+"/retry", nil).leads(path + "?done=retried")
		w.eventually("it is delivered", func() bool { return strings.Contains(b.get(path).text, "Delivered") })
		p := b.get(path).want(200, "200 OK", "Not text: 9 bytes", "00 ff 20 62", "Attempt 1")
		if strings.Contains(p.text, "sse-connect") {
			t.Error("waits for changes of what is decided")
		}
	})
	t.Run("IsReplayedOnceHoweverOftenTheFormIsSent", func(t *testing.T) {
		once := url.Values{"once": {"the-same"}}
		first := b.do("POST", path+"/replay", once)
		to := first.header.Get("Location")
		if first.status != http.StatusSeeOther || strings.HasPrefix(to, path) {
			t.Fatalf("leads to %q", to)
		}
		b.do("POST", path+"/replay", once).leads(to)
		b.get(strings.TrimSuffix(to, "?done=replayed")).want(200, "Made by replay", "rpl_", d.EventID)
	})
	t.Run("IsNobodyElses", func(*testing.T) {
		b.get("/console/w/acme/deliveries/dlv_01kqxg5wdgf0m8c4yb2h3t9v6z").want(404)
		other := w.browser()
		other.get("/portal/w/acme/deliveries/" + d.ID).want(401)
	})
	t.Run("OffersALookerNothingToDo", func(t *testing.T) {
		for _, manage := range []bool{false, true} {
			look := w.browser()
			look.get(w.link(manage)).want(http.StatusSeeOther)
			p := look.get("/portal/w/acme/deliveries/"+d.ID).want(200, "Delivered", "As a command")
			for _, offered := range []string{"/replay\"", "Verify a signature"} {
				if strings.Contains(p.text, offered) != manage {
					t.Errorf("manage %v: %s", manage, offered)
				}
			}
			if !manage {
				for _, do := range []string{"retry", "cancel", "replay", "verify"} {
					look.do("POST", "/portal/w/acme/deliveries/"+d.ID+"/"+do, nil).want(403)
				}
			}
		}
	})
}

// lastBody is the body of the newest request.
func (r *receiver) lastBody() string {
	r.mu.Lock()
	defer r.mu.Unlock()
	_, body, _ := strings.Cut(r.bodies[len(r.bodies)-1], "\r\n\r\n")
	return body
}

func TestDeliveryIsFollowedUntilItIsDecided(t *testing.T) {
	t.Parallel()
	w, r := running(t), newReceiver(t)
	r.answers(http.StatusInternalServerError, "")
	w.endpoint(r.URL)
	d := w.delivered("post.created", map[string]any{})
	b := w.browser()
	b.signIn(w.key)
	req, err := http.NewRequestWithContext(t.Context(), "GET", b.url+"/console/w/acme/deliveries/"+d.ID+"/live", nil)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := b.http.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if _, err := w.client.Deliveries.Cancel(t.Context(), d.ID); err != nil {
		t.Fatal(err)
	}
	said, err := io.ReadAll(resp.Body) // it ends by itself
	if err != nil {
		t.Fatal(err)
	}
	if got := string(said); !strings.Contains(got, "Canceled") || !strings.HasSuffix(got, "event: settled\ndata: end\n\n") {
		t.Errorf("got %s", got)
	}
}

// recorded keeps each request as it came.
type recorded struct {
	mu     sync.Mutex
	uris   []string
	header []http.Header
	bodies []string
}

func (r *recorded) ServeHTTP(w http.ResponseWriter, req *http.Request) {
	body, _ := io.ReadAll(req.Body)
	r.mu.Lock()
	defer r.mu.Unlock()
	r.uris, r.header, r.bodies = append(r.uris, req.RequestURI), append(r.header, req.Header), append(r.bodies, string(body))
	w.WriteHeader(http.StatusNoContent)
}

var commandOf = regexp.MustCompile(`(?s)As a command</summary><div class="code"><pre tabindex="0"><code>(.*?)</code>`)

// TestCurlMakesTheRequestAgain runs the page's command in a shell: what arrives is
// what the worker sent, whatever is in it.
func TestCurlMakesTheRequestAgain(t *testing.T) {
	t.Parallel()
	w := running(t)
	for name, data := range map[string]map[string]any{
		"Hostile": {"a": "it's `id` $(touch pwned) \\ \"x\" $HOME \n é🎉 </code>; rm", "@file": "!"},
		"Large":   {"a": strings.Repeat("x' ", 40<<10)},
	} {
		t.Run(name, func(t *testing.T) {
			rec := &recorded{}
			s := httptest.NewServer(rec)
			defer s.Close()
			e := w.endpoint(s.URL+"/a/../b?x=[1-3]{a,b}&y='$(touch%20pwned)'", func(in *client.EndpointInput) {
				in.Headers = map[string]string{"X-Token": "t0ps3cret"}
				in.Events = []string{"curl." + name}
			})
			d := w.delivered("curl."+name, data)
			b := w.browser()
			b.signIn(w.key)
			path := "/console/w/acme/deliveries/" + d.ID
			found := commandOf.FindStringSubmatch(b.get(path).want(200).text)
			if found == nil {
				t.Fatal("no command")
			}
			dir := t.TempDir()
			if err := os.WriteFile(filepath.Join(dir, "body.json"), []byte(b.get(path+"/body?attempt=1").want(200).text), 0o600); err != nil {
				t.Fatal(err)
			}
			cmd := exec.CommandContext(t.Context(), "sh", "-c", html.UnescapeString(found[1]))
			cmd.Dir = dir
			if said, err := cmd.CombinedOutput(); err != nil {
				t.Fatalf("%v: %s", err, said)
			}
			if _, err := os.Stat(filepath.Join(dir, "pwned")); err == nil {
				t.Fatal("something in the request was run")
			}
			rec.compare(t)
			if err := w.client.Endpoints.Delete(t.Context(), e.ID); err != nil {
				t.Fatal(err)
			}
		})
	}
}

// compare holds the second request to the first. Custom headers' values are secret.
func (r *recorded) compare(t *testing.T) {
	t.Helper()
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.bodies) != 2 {
		t.Fatalf("got %d requests", len(r.bodies))
	}
	if r.header[1].Get("X-Token") != "***" {
		t.Errorf("X-Token is %q", r.header[1].Get("X-Token"))
	}
	r.header[0].Set("X-Token", "***")
	for name := range r.header[0] {
		if got, want := r.header[1].Get(name), r.header[0].Get(name); got != want {
			t.Errorf("%s is %q, want %q", name, got, want)
		}
	}
	if len(r.header[0]) != len(r.header[1]) || r.uris[0] != r.uris[1] || r.bodies[0] != r.bodies[1] {
		t.Errorf("got %s %v %.300q,\nwant %s %v %.300q", r.uris[1], r.header[1], r.bodies[1], r.uris[0], r.header[0], r.bodies[0])
	}
}

func TestVerifyOnThePage(t *testing.T) {
	t.Parallel()
	w, r := running(t), newReceiver(t)
	e := w.endpoint(r.URL)
	d := w.delivered("post.created", map[string]any{"n": 1})
	b := w.browser()
	b.signIn(w.key)
	path := "/console/w/acme/deliveries/" + d.ID + "/verify"
	body := r.lastBody()
	r.mu.Lock()
	sent := r.got[0].Header
	r.mu.Unlock()
	var lines bytes.Buffer
	_ = sent.Write(&lines)
	const other = "whsec_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
	for name, c := range map[string]struct {
		form  url.Values
		wants []string
	}{
		"Nothing":       {url.Values{}, []string{"It verifies."}},
		"Headers":       {url.Values{"got": {lines.String()}}, []string{"It verifies."}},
		"HeadersInJSON": {url.Values{"got": {`{"x-webhook-signature":"` + sent.Get("X-Webhook-Signature") + `","x-webhook-id":["` + d.EventID + `"]}`}}, []string{"It verifies."}},
		"Signature":     {url.Values{"got": {signature.Sign(e.Secret, []byte(body)) + "\r\n"}}, []string{"It verifies."}},
		"WrongSecret":   {url.Values{"got": {signature.Sign(other, []byte(body))}}, []string{"Wrong secret.", "byte for byte"}},
		"PartOfSecret":  {url.Values{"got": {signature.Sign(e.Secret[6:], []byte(body))}}, []string{"Wrong secret.", "without whsec_ as the key"}},
		"BodyChanged":   {url.Values{"body": {strings.Replace(body, `"n":1`, `"n":2`, 1)}}, []string{"The body changed.", "They part after"}},
		"LineBreak":     {url.Values{"got": {lines.String() + "\r\n" + body + "\r\n"}}, []string{"The body changed.", "without the line break at its end"}},
		"ClockAhead":    {url.Values{"received_at": {time.Now().Add(time.Hour).UTC().Format(time.RFC3339)}}, []string{"The timestamp is too old.", "ahead"}},
		"NoClock":       {url.Values{"received_at": {"soon"}}, []string{"is a time such as"}},
		"NoHeaders":     {url.Values{"got": {"{x"}}, []string{"no JSON object"}},
		"NoAttempt":     {url.Values{"attempt": {"-1"}}, []string{"attempt must be"}},
	} {
		p := b.do("POST", path, c.form)
		for _, want := range c.wants {
			if p.status != 200 || !strings.Contains(html.UnescapeString(p.text), want) {
				t.Errorf("%s: %d, %q is not in %.3000s", name, p.status, want, p.text)
			}
		}
		if strings.Contains(p.text, e.Secret) || strings.Contains(p.text, e.Secret[6:]) {
			t.Errorf("%s: the secret is on the page", name)
		}
	}
	b.headers["HX-Request"] = "true"
	if p := b.do("POST", path, url.Values{}).want(200, "It verifies."); strings.Contains(p.text, "<html") {
		t.Error("a whole page for a part of it")
	}
}
