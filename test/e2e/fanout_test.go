package e2e

import (
	"errors"
	"fmt"
	"net/http"
	"os"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/postrider/postrider/test/e2e/stack"
)

const (
	fanOut  = 10
	posters = 6
	perCall = 100
	// eventsVar sets how many events TestFanOut publishes.
	eventsVar = "POSTRIDER_E2E_EVENTS"
)

// loadEvents is 20,000, but fewer with the race detector, under which everything
// takes several times as long.
func loadEvents(t *testing.T) int {
	t.Helper()
	text := os.Getenv(eventsVar)
	switch {
	case text == "" && stack.Race:
		return 2_000
	case text == "":
		return 20_000
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < perCall || n%perCall != 0 {
		t.Fatalf("%s is %q and must be a multiple of %d", eventsVar, text, perCall)
	}
	return n
}

// TestFanOut has the machine to itself: it is not parallel.
func TestFanOut(t *testing.T) {
	s, r := stack.New(t), stack.NewReceiver(t)
	r.CountOnly()
	apis := []*stack.Process{s.API(t), s.API(t)}
	s.Worker(t)
	s.Worker(t)
	s.Scheduler(t)
	c := s.Workspace(t, apis[0])
	for i := range fanOut {
		c.Endpoint(t, r, pathOf(i), stack.Settings{"events": []string{"load.*"}})
	}
	n, start := loadEvents(t), time.Now()
	events := publishAll(t, []stack.Client{c, c.At(apis[1])}, n)
	accepted := time.Since(start)
	stack.Eventually(t, "every delivery arrives", func() bool { return r.Pairs() == n*fanOut })
	delivered := time.Since(start)
	c.WaitSettled(t)
	for i := range fanOut {
		r.WantOnce(t, pathOf(i), events...)
	}
	if n := r.Pairs(); n != len(events)*fanOut {
		t.Errorf("%d deliveries arrived of %d", n, len(events)*fanOut)
	}
	if failed := c.WithStatus(t, "failed"); len(failed) > 0 {
		t.Errorf("failed: %v", failed)
	}
	for _, d := range c.WithStatus(t, "success") {
		if d.Attempts != 1 || d.StatusCode != http.StatusNoContent {
			t.Errorf("got %+v, want one attempt with a 204", d)
		}
	}
	t.Logf("%d events accepted in %s, their %d deliveries made after %s", n, accepted.Round(time.Millisecond), n*fanOut, delivered.Round(time.Millisecond))
}

func pathOf(i int) string { return fmt.Sprintf("/load/%d", i) }

// publishAll publishes n events in batches, several at once and by turns at
// each of the APIs, and returns their ids.
func publishAll(t *testing.T, at []stack.Client, n int) []string {
	t.Helper()
	var (
		calls = make(chan int, n/perCall)
		mu    sync.Mutex
		ids   []string
		group sync.WaitGroup
	)
	for i := range n / perCall {
		calls <- i
	}
	close(calls)
	for range posters {
		group.Go(func() {
			for i := range calls {
				batch, err := publishPatiently(t, at[i%len(at)])
				if err != nil {
					t.Error(err)
					return
				}
				mu.Lock()
				ids = append(ids, batch...)
				mu.Unlock()
			}
		})
	}
	group.Wait()
	if t.Failed() {
		t.FailNow()
	}
	return ids
}

// publishPatiently publishes a batch and does as a 503 asks: a machine that is
// busy otherwise may take more than the two seconds that events wait at most.
func publishPatiently(t *testing.T, c stack.Client) (ids []string, err error) {
	again := time.NewTicker(time.Second)
	defer again.Stop()
	for range 60 {
		if ids, err = c.TryBatch(t, "load.test", perCall); !errors.Is(err, stack.ErrUnavailable) {
			break
		}
		<-again.C
	}
	return ids, err
}
