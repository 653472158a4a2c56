package hooktest_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/postrider/postrider/hooktest"
	"github.com/postrider/postrider/signature"
)

// witness is a test whose failures are looked at.
type witness struct {
	testing.TB
	said []string
}

func (w *witness) Errorf(format string, args ...any) {
	w.said = append(w.said, fmt.Sprintf(format, args...))
}

func (w *witness) Fatalf(format string, args ...any) {
	w.Errorf(format, args...)
	runtime.Goexit()
}

// fatally runs a test that may end early, and returns what it failed with.
func fatally(t *testing.T, test func(t testing.TB)) string {
	t.Helper()
	w := &witness{TB: t}
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		test(w)
	}()
	<-ended
	return strings.Join(w.said, "\n")
}

// send sends a request to a receiver, on a connection of its own, and returns the
// answer's status; 0 if there was none.
func send(t *testing.T, r *hooktest.Receiver, req *http.Request) (status int, header http.Header, body string) {
	t.Helper()
	to, err := url.Parse(r.URL + "/hooks")
	if err != nil {
		t.Fatal(err)
	}
	req.URL, req.Host = to, ""
	transport := &http.Transport{DisableKeepAlives: true}
	defer transport.CloseIdleConnections()
	res, err := transport.RoundTrip(req)
	if err != nil {
		return 0, nil, err.Error()
	}
	defer res.Body.Close()
	read, err := io.ReadAll(res.Body)
	if err != nil {
		t.Error(err)
	}
	return res.StatusCode, res.Header, string(read)
}

func statuses(t *testing.T, r *hooktest.Receiver, n int) (got []int) {
	t.Helper()
	for range n {
		status, _, _ := send(t, r, hooktest.NewRequest(t, secret, "a.b", struct{}{}))
		got = append(got, status)
	}
	return got
}

func TestReceiverPlaysItsScript(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name   string
		script []hooktest.Step
		want   []int
	}{
		{"OKByDefault", nil, []int{200, 200}},
		{"EachStepOnce", []hooktest.Step{hooktest.Status(500), hooktest.Gone(), hooktest.OK()}, []int{500, 410, 200, 200}},
		{"AsOftenAsItSays", []hooktest.Step{hooktest.Status(500).Times(3), hooktest.OK()}, []int{500, 500, 500, 200, 200}},
		{"TheLastForEver", []hooktest.Step{hooktest.OK().Times(2), hooktest.Status(503).Times(2)}, []int{200, 200, 503, 503, 503, 503}},
		{"RedirectsAndSlowness", []hooktest.Step{hooktest.Redirect("http://a.test/"), hooktest.Slow(time.Millisecond), hooktest.OK()}, []int{307, 200, 200}},
		{"NoAnswers", []hooktest.Step{hooktest.Reset(), hooktest.Garbage(), hooktest.OK()}, []int{0, 0, 200}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			for range 2 { // a script is nobody's to use up
				if got := statuses(t, hooktest.NewReceiver(t, secret, tt.script...), len(tt.want)); !slices.Equal(got, tt.want) {
					t.Errorf("answers %v, want %v", got, tt.want)
				}
			}
		})
	}
}

func TestReceiverAnswers(t *testing.T) {
	t.Parallel()
	r := hooktest.NewReceiver(t, secret, hooktest.Redirect("http://a.test/"), hooktest.Status(429).Header("Retry-After", "7").Body("slowly"), hooktest.Garbage(), hooktest.Reset())
	answer := func() (http.Header, string) {
		_, header, body := send(t, r, hooktest.NewRequest(t, secret, "a.b", struct{}{}))
		return header, body
	}
	if header, _ := answer(); header.Get("Location") != "http://a.test/" {
		t.Errorf("redirects to %v", header)
	}
	if header, body := answer(); header.Get("Retry-After") != "7" || body != "slowly" {
		t.Errorf("got %v %q", header, body)
	}
	if _, said := answer(); !strings.Contains(said, "malformed HTTP") {
		t.Errorf("garbage: %s", said)
	}
	if _, said := answer(); !strings.Contains(said, "reset") {
		t.Errorf("reset: %s", said)
	}
}

func TestReceiverHoldsOnUntilTheTestEnds(t *testing.T) {
	t.Parallel()
	for name, step := range map[string]hooktest.Step{"Stalling": hooktest.Stall(), "Slow": hooktest.Slow(time.Hour)} {
		answered := make(chan int, 1)
		t.Run(name, func(t *testing.T) {
			r := hooktest.NewReceiver(t, secret, step)
			req := hooktest.NewRequest(t, secret, "a.b", struct{}{})
			req = req.WithContext(context.WithoutCancel(t.Context())) // it does not hang up
			go func() {
				status, _, _ := send(t, r, req)
				answered <- status
			}()
			r.WaitFor(1)
			select {
			case status := <-answered:
				t.Errorf("answer %d", status)
			default:
			}
		})
		if status := <-answered; status != 0 {
			t.Errorf("%s: answer %d at the end", name, status)
		}
	}
}

func TestReceiverVerifies(t *testing.T) {
	t.Parallel()
	r := hooktest.NewReceiver(t, secret, hooktest.Status(500), hooktest.OK())
	for _, m := range []hooktest.Mistake{hooktest.WrongSecret, hooktest.Stale, hooktest.NoStandardHeaders, hooktest.NoBodySignature} {
		if status, _, _ := send(t, r, hooktest.NewRequest(t, secret, "a.b", struct{}{}, m)); status != http.StatusUnauthorized {
			t.Errorf("%s: answer %d", m, status)
		}
	}
	if got := statuses(t, r, 2); !slices.Equal(got, []int{500, 200}) {
		t.Errorf("the script has moved on: %v", got)
	}
	refused := r.Refused()
	if len(refused) != 4 || len(r.Events()) != 2 || !errors.Is(refused[0], signature.ErrWrongSecret) || !errors.Is(refused[1], signature.ErrTooOld) {
		t.Errorf("%d events, refused %v", len(r.Events()), refused)
	}
	if said := fatally(t, func(t testing.TB) { hooktest.NewReceiver(t, "plain") }); !strings.Contains(said, "whsec_") {
		t.Errorf("said %q", said)
	}
	if said := fatally(t, func(t testing.TB) { hooktest.NewReceiver(t, secret, hooktest.OK().Times(0)) }); !strings.Contains(said, "0 requests") {
		t.Errorf("said %q", said)
	}
}

func TestReceiverAsserts(t *testing.T) {
	t.Parallel()

	t.Run("WaitsForWhatComesLater", func(t *testing.T) {
		t.Parallel()
		r := hooktest.NewReceiver(t, secret)
		first := hooktest.NewRequest(t, secret, "post.created", map[string]int{"id": 1}, hooktest.EventID("evt_1"))
		second := hooktest.NewRequest(t, secret, "post.created", map[string]int{"id": 2}, hooktest.EventID("evt_2"))
		var sender sync.WaitGroup
		defer sender.Wait()
		sender.Go(func() {
			send(t, r, first)
			send(t, r, second)
		})
		type post struct{ ID int }
		e := r.AssertReceived("post.created", func(e hooktest.ReceivedEvent) bool {
			p, err := signature.Decode[post](e.Event)
			return err == nil && p.ID == 2
		})
		if e.ID != "evt_2" || e.Header.Get(signature.HeaderID) != "evt_2" || !strings.Contains(string(e.Body), `{"id":2}`) {
			t.Errorf("got %+v", e)
		}
		if all := r.WaitFor(2); len(all) != 2 || all[0].ID != "evt_1" {
			t.Errorf("got %v", all)
		}
		r.AssertNotReceived("post.deleted")
		r.AssertNotReceived("post.created", func(e hooktest.ReceivedEvent) bool { return e.ID == "evt_3" })
	})

	t.Run("ShowsThatNothingCame", func(t *testing.T) {
		t.Parallel()
		said := fatally(t, func(t testing.TB) {
			r := hooktest.NewReceiver(t, secret)
			r.Patience = time.Millisecond
			r.AssertReceived("post.created")
			r.WaitFor(3)
		})
		for _, want := range []string{"no post.created arrived within 1ms", "0 of 3 webhooks arrived", "Nothing came to http://127.0.0.1:"} {
			if !strings.Contains(said, want) {
				t.Errorf("said %q, without %q", said, want)
			}
		}
	})

	t.Run("ShowsWhatCameInstead", func(t *testing.T) {
		t.Parallel()
		said := fatally(t, func(tb testing.TB) {
			r := hooktest.NewReceiver(tb, secret, hooktest.Status(500))
			r.Patience = time.Millisecond
			for range 5 {
				send(t, r, hooktest.NewRequest(t, secret, "early.bird", struct{}{}))
			}
			for range 9 {
				send(t, r, hooktest.NewRequest(t, secret, "post.updated", map[string]string{"text": strings.Repeat("x", 1000)}, hooktest.Attempt(2)))
			}
			send(t, r, hooktest.NewRequest(t, secret, "post.created", struct{}{}, hooktest.WrongSecret))
			r.AssertReceived("post.created", func(hooktest.ReceivedEvent) bool { return true })
			r.AssertNotReceived("post.updated")
		})
		for _, want := range []string{
			"no post.created that the function accepts arrived", "What came to http://", "(5 before)", "\n  6. post.updated evt_",
			"attempt 2, answered 500: {\"text\":\"xxx", "x…\n", "\n  15. refused: signature: no signature matches: wrong secret", "post.updated evt_",
		} {
			if !strings.Contains(said, want) {
				t.Errorf("without %q: %s", want, said)
			}
		}
		if strings.Contains(said, "early.bird") || len(said) > 8000 {
			t.Errorf("too long: %s", said)
		}
	})
}
