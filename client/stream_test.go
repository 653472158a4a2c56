package client

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// broadcast answers each request with the next of its streams; a stream ends with an
// error, or waits for ever.
type broadcast struct {
	mu      sync.Mutex
	streams []string
	asked   []string // Last-Event-ID
}

func (b *broadcast) RoundTrip(r *http.Request) (*http.Response, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.asked = append(b.asked, r.Header.Get("Last-Event-ID"))
	if len(b.streams) == 0 {
		return nil, errors.New("nobody is there")
	}
	next := b.streams[0]
	b.streams = b.streams[1:]
	resp := &http.Response{StatusCode: http.StatusOK, Header: http.Header{"Content-Type": {"text/event-stream"}}, Request: r}
	switch {
	case strings.HasPrefix(next, "{"):
		resp.StatusCode, resp.Header = http.StatusUnauthorized, http.Header{"Content-Type": {"application/problem+json"}}
		resp.Body = io.NopCloser(strings.NewReader(next))
	case strings.HasSuffix(next, "…"):
		out, in := io.Pipe()
		context.AfterFunc(r.Context(), func() { in.CloseWithError(context.Cause(r.Context())) })
		go io.WriteString(in, strings.TrimSuffix(next, "…"))
		resp.Body = out
	default:
		resp.Body = io.NopCloser(strings.NewReader(next))
	}
	return resp, nil
}

func eventText(position, id string) string {
	return "id: " + position + "\nevent: event\ndata: {\"id\":\"" + id + "\",\"payload\":{}}\n\n"
}

const begin = "retry: 1000\n\n:\nid: p0\n\n"

// follow reads a stream to its end, or until n messages came.
func follow(t *testing.T, b *broadcast, o StreamOptions, cfg Config, n int) (shown []string, end error) {
	t.Helper()
	cfg.HTTPClient = &http.Client{Transport: b, Timeout: time.Second} // which must not bound it
	for m, err := range NewWith("http://api.test", "pr_secret", cfg).Stream(t.Context(), o) {
		switch {
		case err != nil:
			return shown, err
		case m.Event != nil:
			shown = append(shown, m.Event.ID+"@"+m.Position)
		case m.Attempt != nil:
			shown = append(shown, fmt.Sprint("attempt ", m.Attempt.Number))
		case m.Gap != nil:
			shown = append(shown, fmt.Sprint("gap ", m.Gap.LeftOut != nil))
		default:
			shown = append(shown, "@"+m.Position)
		}
		if len(shown) == n {
			break
		}
	}
	return shown, nil
}

func TestStream(t *testing.T) {
	t.Parallel()
	events := StreamOptions{Kinds: []StreamKind{StreamEvents}}

	t.Run("GoesOnWhereItBrokeOffAndShowsNothingTwice", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			b := &broadcast{streams: []string{
				begin + eventText("p1", "a") + eventText("p1", "b") + "id: p2\nevent: event\ndata: {\"id\":\"cut",
				eventText("p1", "b") + eventText("p3", "c"),
				eventText("p3", "c") + eventText("p4", "d") + "…",
			}}
			var broke []error
			o := events
			o.Position, o.Retrying = "given", func(err error) { broke = append(broke, err) }
			shown, err := follow(t, b, o, Config{}, 5)
			if want := []string{"@p0", "a@p1", "b@p1", "c@p3", "d@p4"}; !slices.Equal(shown, want) || err != nil {
				t.Errorf("shows %v, %v", shown, err)
			}
			if want := []string{"given", "p1", "p3"}; !slices.Equal(b.asked, want) || len(broke) != 2 {
				t.Errorf("asked for %v, broke off with %v", b.asked, broke)
			}
		})
	})

	t.Run("SaysThatAttemptsWereMissed", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			attempt := "event: attempt\ndata: {\"number\":%d}\n\n"
			b := &broadcast{streams: []string{
				fmt.Sprintf(begin+attempt, 1) + "event: gap\ndata: {\"left_out\":3}\n\nevent: later\ndata: {}\n\n",
				fmt.Sprintf(attempt, 2) + "…",
			}}
			shown, err := follow(t, b, StreamOptions{}, Config{}, 5)
			if want := []string{"@p0", "attempt 1", "gap true", "gap false", "attempt 2"}; !slices.Equal(shown, want) || err != nil {
				t.Errorf("shows %v, %v", shown, err)
			}
		})
	})

	t.Run("EndsWhenTheAPISaysSo", func(t *testing.T) {
		t.Parallel()
		for _, streams := range [][]string{
			{begin + "event: end\ndata: {\"code\":\"unauthorized\",\"detail\":\"revoked\"}\n\n"},
			{begin, `{"code":"unauthorized","detail":"revoked"}`},
		} {
			synctest.Test(t, func(t *testing.T) {
				b := &broadcast{streams: streams}
				_, err := follow(t, b, events, Config{}, 9)
				var e *Error
				if !errors.As(err, &e) || e.Code != CodeUnauthorized || e.Status != http.StatusUnauthorized || e.Detail != "revoked" {
					t.Errorf("ends with %v", err)
				}
			})
		}
	})

	t.Run("GivesUpOnlyBeforeItHasBegun", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			b := &broadcast{}
			if _, err := follow(t, b, events, Config{MaxRetries: 2}, 1); err == nil || len(b.asked) != 3 {
				t.Errorf("asked %d times, then %v", len(b.asked), err)
			}
			b = &broadcast{streams: []string{begin}}
			ctx, cancel := context.WithTimeout(t.Context(), time.Hour)
			defer cancel()
			var last error
			for _, err := range NewWith("http://api.test", "", Config{HTTPClient: &http.Client{Transport: b}, MaxRetries: 2}).Stream(ctx, events) {
				last = err
			}
			if !errors.Is(last, context.DeadlineExceeded) || len(b.asked) < 100 {
				t.Errorf("asked %d times, then %v", len(b.asked), last)
			}
		})
	})

	t.Run("NoticesAConnectionThatIsDead", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			b := &broadcast{streams: []string{begin + "…", eventText("p1", "a") + "…"}}
			start := time.Now()
			shown, err := follow(t, b, events, Config{}, 2)
			if took := time.Since(start); err != nil || len(shown) != 2 || took < streamSilence || took > streamSilence+time.Second {
				t.Errorf("shows %v, %v after %s", shown, err, took)
			}
		})
	})

	// A handler that takes its time is no silence of the API's.
	t.Run("WaitsForTheLoopsBody", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			b := &broadcast{streams: []string{begin + eventText("p1", "a") + "…"}}
			n := 0
			for m, err := range NewWith("http://api.test", "", Config{HTTPClient: &http.Client{Transport: b}}).Stream(t.Context(), events) {
				if n++; err != nil || n == 2 && m.Event == nil {
					t.Errorf("shows %+v, %v", m, err)
				}
				if n == 2 {
					break
				}
				<-time.After(time.Hour)
			}
			if len(b.asked) != 1 {
				t.Errorf("asked %d times", len(b.asked))
			}
		})
	})

	t.Run("ReadsWhatProxiesMakeOfIt", func(t *testing.T) {
		t.Parallel()
		r := newSSEReader(strings.NewReader("\n\nid:1\r\nevent: event\r\ndata: {\r\ndata:}\r\n\r\n: comment\n\nunknown\nid: 2\n\n"), 1<<20)
		var got []string
		for {
			m, err := r.next()
			if err != nil {
				break
			}
			got = append(got, m.id+"|"+m.event+"|"+string(m.data))
		}
		if want := []string{"1|event|{\n}", "||", "2||"}; !slices.Equal(got, want) {
			t.Errorf("reads %q", got)
		}
		if _, err := newSSEReader(strings.NewReader("data: "+strings.Repeat("x", 1<<20)), 1<<16).next(); !errors.Is(err, errTooLarge) {
			t.Errorf("reads a line without end: %v", err)
		}
	})
}

func TestRecentIDsAreBounded(t *testing.T) {
	t.Parallel()
	r := &recent{}
	for n := range 3 * maxRecent {
		if !r.add(fmt.Sprint(n)) || r.add(fmt.Sprint(n)) || r.add(fmt.Sprint(max(0, n-maxRecent+1))) {
			t.Fatalf("at %d", n)
		}
	}
	if len(r.known) != maxRecent || len(r.ring) != maxRecent || !r.add("0") {
		t.Errorf("knows %d and %d", len(r.known), len(r.ring))
	}
}
