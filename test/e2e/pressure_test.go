package e2e

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/postrider/postrider/test/e2e/stack"
)

const (
	mostMemory   = 400 << 20
	slowSmall    = 300      // connections that have sent some of a small body, and stop
	slowLarge    = 150      // connections that send half of a large one, and stop
	largePosters = 24       // clients that post batches of 10 MiB all the time
	halfBatch    = 5 << 20  // what the slow ones send
	wholeBatch   = 10 << 20 // what they announce, and the limit
)

// TestPressure has the machine to itself: it is not parallel. What hundreds of
// clients send at once, slowly or not, keeps an API neither from answering the
// others nor within its memory.
func TestPressure(t *testing.T) {
	s := setup(t)
	var slow, posters sync.WaitGroup
	other := s.Workspace(t, s.api) // the slow ones' key is their own
	half := []byte(`{"events":[{"type":"a","data":{"x":"` + strings.Repeat("x", halfBatch))
	for range slowSmall {
		s.dawdle(t, &slow, other, 20<<10, half[:10<<10])
	}
	for range slowLarge {
		s.dawdle(t, &slow, other, wholeBatch, half)
	}
	batch := largeBatch()
	var mu sync.Mutex
	statuses := make(map[int]int)
	quit := make(chan struct{})
	for range largePosters {
		posters.Go(func() {
			for {
				select {
				case <-quit:
					return
				default:
				}
				a, err := s.c.Try(t.Context(), http.MethodPost, "/v1/events/batch", batch)
				mu.Lock()
				switch {
				case err != nil:
					statuses[0]++
				case a.Status == http.StatusServiceUnavailable && a.Header.Get("Retry-After") == "":
					t.Errorf("no Retry-After: %s", a)
				default:
					statuses[a.Status]++
				}
				mu.Unlock()
			}
		})
	}
	// Meanwhile everybody else is served: with a retry, as the others' batches fill
	// the writer, too.
	for range 40 {
		if _, err := publishPatiently(t, s.c); err != nil {
			t.Error(err)
		}
	}
	stack.Eventually(t, "some batches are accepted and some refused", func() bool {
		mu.Lock()
		defer mu.Unlock()
		return statuses[http.StatusAccepted] >= 20 && statuses[http.StatusServiceUnavailable] > 0
	})
	close(quit)
	posters.Wait()
	peak := s.api.PeakMemory(t)
	s.api.Kill(t) // lets those go that dawdle
	slow.Wait()
	t.Logf("%d MiB at most; the batches got %v", peak>>20, statuses)
	// A connection that is refused in the midst of its body may break before the
	// client has read why: now and then, not as a rule.
	for status, n := range statuses {
		if status != http.StatusAccepted && status != http.StatusServiceUnavailable && (status != 0 || n > statuses[http.StatusServiceUnavailable]/10) {
			t.Errorf("%d of the batches got %d", n, status)
		}
	}
	if peak > mostMemory && !stack.Race {
		t.Errorf("the API took %d MiB, more than %d", peak>>20, mostMemory>>20)
	}
}

// dawdle announces a body, sends some of it and waits for an answer.
func (s service) dawdle(t *testing.T, clients *sync.WaitGroup, c stack.Client, announced int, sent []byte) {
	t.Helper()
	conn, err := net.Dial("tcp", strings.TrimPrefix(s.api.URL, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	clients.Go(func() {
		_ = conn.SetDeadline(time.Now().Add(stack.Patience))
		// Errors are what the API does to slow ones: it answers, and ends the connection.
		_, _ = fmt.Fprintf(conn, "POST /v1/events/batch HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer %s\r\nContent-Length: %d\r\n\r\n", c.Key(), announced)
		_, _ = conn.Write(sent)
		if res, err := http.ReadResponse(bufio.NewReader(conn), nil); err == nil {
			_, _ = io.Copy(io.Discard, res.Body)
			_ = res.Body.Close()
		}
	})
}

// largeBatch is as large as a batch may be, but for some KiB.
func largeBatch() map[string]any {
	const events = 12
	text := strings.Repeat("x", wholeBatch/events-1000)
	all := make([]map[string]any, events)
	for i := range all {
		all[i] = map[string]any{"type": "a", "data": map[string]any{"x": text}}
	}
	return map[string]any{"events": all}
}
