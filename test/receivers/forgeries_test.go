package receivers

import (
	"bytes"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/postrider/postrider/signature"
	"github.com/postrider/postrider/test/e2e/stack"
)

// realRequest is a request as Postrider makes it.
func realRequest(t *testing.T, c stack.Client) stack.Arrival {
	t.Helper()
	r := stack.NewReceiver(t)
	e := c.Endpoint(t, r, "/", stack.Settings{"secret": secret, "events": []string{"post.created"}})
	r.WaitFor(t, "/", c.Publish(t, "post.created").ID)
	c.Call(t, http.MethodDelete, "/v1/endpoints/"+e.ID, nil, http.StatusNoContent, nil)
	return r.Arrivals("/")[0]
}

// forgery is a request that is not Postrider's.
type forgery struct {
	name   string
	body   []byte
	header http.Header
}

// with is a header with other values of one name.
func with(h http.Header, name string, values ...string) http.Header {
	h = h.Clone()
	h[http.CanonicalHeaderKey(name)] = values
	return h
}

// signedAt is the request as if it were made at another time.
func signedAt(t *testing.T, a stack.Arrival, at time.Time) http.Header {
	t.Helper()
	signed, err := signature.SignStandard(secret, a.Event, at, a.Body)
	if err != nil {
		t.Fatal(err)
	}
	h := with(a.Header, signature.HeaderStandardTimestamp, strconv.FormatInt(at.Unix(), 10))
	return with(h, signature.HeaderStandardSignature, signed)
}

// renamed is the request as if it were another event's, not signed yet.
func renamed(a stack.Arrival, id string) stack.Arrival {
	a.Body = bytes.ReplaceAll(a.Body, []byte(a.Event), []byte(id))
	a.Header = with(a.Header, signature.HeaderStandardID, id)
	a.Event = id
	return a
}

// signedBy is the request's signature by another secret.
func signedBy(t *testing.T, a stack.Arrival, secret string) string {
	t.Helper()
	seconds, err := strconv.ParseInt(a.Header.Get(signature.HeaderStandardTimestamp), 10, 64)
	if err != nil {
		t.Fatal(err)
	}
	signed, err := signature.SignStandard(secret, a.Event, time.Unix(seconds, 0), a.Body)
	if err != nil {
		t.Fatal(err)
	}
	return signed
}

func forgeriesOf(t *testing.T, a stack.Arrival) []forgery {
	t.Helper()
	right := a.Header.Get(signature.HeaderStandardSignature)
	foreign := signedBy(t, a, another)
	all := []forgery{
		{"a tampered body", bytes.Replace(a.Body, []byte("post.created"), []byte("post.deleted"), 1), a.Header},
		{"a body with a newline", append(bytes.Clone(a.Body), '\n'), a.Header},
		{"no body", nil, a.Header},
		{"another id", a.Body, with(a.Header, signature.HeaderStandardID, "evt_other")},
		{"an id twice", a.Body, with(a.Header, signature.HeaderStandardID, "evt_other", a.Event)},
		{"an id that leads elsewhere", a.Body, with(a.Header, signature.HeaderStandardID, "../../"+a.Event)},
		{"no id", a.Body, with(a.Header, signature.HeaderStandardID)},
		{"no timestamp", a.Body, with(a.Header, signature.HeaderStandardTimestamp)},
		{"a timestamp that is no number", a.Body, with(a.Header, signature.HeaderStandardTimestamp, "now")},
		{"another timestamp", a.Body, with(a.Header, signature.HeaderStandardTimestamp, strconv.FormatInt(time.Now().Unix()+30, 10))},
		{"a timestamp of six minutes ago", a.Body, signedAt(t, a, time.Now().Add(-6*time.Minute))},
		{"a timestamp in six minutes", a.Body, signedAt(t, a, time.Now().Add(6*time.Minute))},
	}
	for name, values := range map[string][]string{
		"no signature":                       nil,
		"an empty signature":                 {""},
		"a version alone":                    {"v1,"},
		"a short signature":                  {right[:len(right)-1]},
		"a very short signature":             {"x"},
		"a long signature":                   {right + "A"},
		"a very long signature":              {strings.Repeat("a", 4000)},
		"a signature without its version":    {strings.TrimPrefix(right, "v1,")},
		"a signature of another version":     {"v2," + strings.TrimPrefix(right, "v1,")},
		"a signature of another letter":      {right[:len(right)-2] + "_="},
		"a signature that is no ASCII":       {strings.Repeat("\xe9", len(right))},
		"a signature that is no UTF-8":       {"v1,\xff\xfe" + strings.Repeat("\xf0", len(right)-5)},
		"somebody else's signature":          {foreign},
		"somebody else's signature, twice":   {foreign, foreign},
		"many signatures, and none is right": {strings.Repeat(foreign+" ", 50)},
	} {
		all = append(all, forgery{name, a.Body, with(a.Header, signature.HeaderStandardSignature, values...)})
	}
	return all
}

func refusesForgeries(t *testing.T, c stack.Client, l language) {
	r, a := started(t, l), realRequest(t, c)
	for _, f := range forgeriesOf(t, a) {
		if code := r.send(t, f.body, f.header); code != http.StatusUnauthorized {
			t.Errorf("%s got %d, want 401", f.name, code)
		}
	}
	if strings.Contains(r.said(t), "handled ") {
		t.Fatal("a forgery was handled")
	}
	// It is alive and well, and takes what is right, however often it comes.
	right := a.Header.Get(signature.HeaderStandardSignature)
	takes := map[string]http.Header{
		"a timestamp of four minutes ago": signedAt(t, a, time.Now().Add(-4*time.Minute)),
		"a timestamp in four minutes":     signedAt(t, a, time.Now().Add(4*time.Minute)),
		"one right signature of two":      with(a.Header, signature.HeaderStandardSignature, signedBy(t, a, another)+" "+right),
		"the three headers alone":         {"Webhook-Id": {a.Event}, "Webhook-Timestamp": a.Header["Webhook-Timestamp"], "Webhook-Signature": {right}},
	}
	for name, header := range takes {
		if code := r.send(t, a.Body, header); code != http.StatusNoContent {
			t.Errorf("%s got %d, want 204", name, code)
		}
	}
	r.kill(t)
	r.start(t) // what else there is in the inbox would be handled now
	next := renamed(a, "evt_next")
	if code := r.send(t, next.Body, signedAt(t, next, time.Now())); code != http.StatusNoContent {
		t.Errorf("the next event got %d, want 204", code)
	}
	r.waitHandled(t, a.Event, next.Event)
	if n := strings.Count(r.said(t), "handled "); n != 2 {
		t.Errorf("%d events were handled, want 2", n)
	}
	r.wantAlive(t)
}

// handlesOnceAtOnce sends each of many events several times at the same
// moment, as after a slow answer, while others are handled already.
func handlesOnceAtOnce(t *testing.T, c stack.Client, l language) {
	r, a := started(t, l), realRequest(t, c)
	var events []string
	var group sync.WaitGroup
	for i := range 12 {
		e := renamed(a, fmt.Sprintf("evt_%d", i))
		events = append(events, e.Event)
		header := signedAt(t, e, time.Now())
		for range 4 {
			group.Go(func() {
				if code := r.send(t, e.Body, header); code != http.StatusNoContent {
					t.Errorf("%s got %d, want 204", e.Event, code)
				}
			})
		}
	}
	group.Wait()
	last := renamed(a, "evt_last")
	r.send(t, last.Body, signedAt(t, last, time.Now()))
	r.waitHandled(t, append(events, last.Event)...)
	for _, id := range events {
		if n := r.handled(t, id); n != 1 {
			t.Errorf("%s was handled %d times, want once", id, n)
		}
	}
}

// takesNothing holds that a receiver with no secret, or a broken one, lets nobody in:
// it ends at once or, where each request is a process, fails at each.
func takesNothing(t *testing.T, c stack.Client, l language) {
	r, a := newReceiver(t, l), realRequest(t, c)
	for _, broken := range []string{"", ",", secret + ",", strings.TrimPrefix(secret, "whsec_"), "whsec_short"} {
		if l.name == "PHP" {
			r.start(t, "WEBHOOK_SECRET="+broken)
			if code := r.send(t, a.Body, a.Header); code != http.StatusInternalServerError {
				t.Errorf("with the secret %q it answered %d", broken, code)
			}
			r.kill(t)
			continue
		}
		p := r.programs[0]
		if code := stack.Spawn(t, l.name, t.TempDir(), append(r.env, "WEBHOOK_SECRET="+broken), p[0], p[1:]...).ExitCode(t); code == 0 {
			t.Errorf("with the secret %q it ended as if all were well", broken)
		}
	}
}
