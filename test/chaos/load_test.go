package chaos

import (
	"context"
	"fmt"
	"maps"
	"net/http"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/postrider/postrider/test/e2e/stack"
)

const (
	ticks       = 10 // a second
	publishers  = 256
	answerLimit = 15 * time.Second
	publishFor  = 2 * time.Minute
)

// load publishes events at a bounded rate, half of them in batches, until it is
// stopped. A request without an answer, or with a 5xx, is made again with the
// same ids at the other API: it counts once, when it is answered with 202.
type load struct {
	lab    *lab
	client stack.Client
	prefix string
	stop   chan struct{}
	group  sync.WaitGroup
	slots  chan struct{}
	turn   atomic.Int64

	mu       sync.Mutex
	accepted map[string]time.Time
	repeated int
	bad      []error
}

func (l *lab) startLoad(t *testing.T, prefix string, c stack.Client) *load {
	o := &load{
		lab: l, client: c, prefix: prefix, stop: make(chan struct{}), slots: make(chan struct{}, publishers),
		accepted: map[string]time.Time{},
	}
	o.group.Go(func() { o.run(t.Context()) })
	return o
}

func (o *load) run(ctx context.Context) {
	tick := time.NewTicker(time.Second / ticks)
	defer tick.Stop()
	for n := 0; ; {
		select {
		case <-o.stop:
			return
		case <-tick.C:
		}
		each := max(*rate/ticks/2, 1)
		for range each {
			n++
			o.begin(ctx, []string{fmt.Sprintf("%s-%d", o.prefix, n)})
		}
		batch := make([]string, each)
		for i := range batch {
			n++
			batch[i] = fmt.Sprintf("%s-%d", o.prefix, n)
		}
		o.begin(ctx, batch)
	}
}

// begin publishes in the background, or not at all while too many do.
func (o *load) begin(ctx context.Context, ids []string) {
	select {
	case o.slots <- struct{}{}:
	default:
		return
	}
	o.group.Go(func() {
		defer func() { <-o.slots }()
		o.publish(ctx, ids)
	})
}

func (o *load) publish(ctx context.Context, ids []string) {
	ctx, cancel := context.WithTimeout(ctx, publishFor)
	defer cancel()
	path, body := request(ids)
	for again := false; ctx.Err() == nil; again = true {
		apis := o.lab.of("api")
		a, err := o.attempt(ctx, o.client.At(apis[int(o.turn.Add(1))%len(apis)]), path, body)
		o.note(ids, a, err, again)
		if err == nil && a.Status < 500 {
			return
		}
		pass(200 * time.Millisecond)
	}
}

func (o *load) attempt(ctx context.Context, c stack.Client, path string, body any) (stack.Answer, error) {
	ctx, cancel := context.WithTimeout(ctx, answerLimit)
	defer cancel()
	return c.Try(ctx, http.MethodPost, path, body)
}

func request(ids []string) (path string, body any) {
	events := make([]map[string]any, len(ids))
	for i, id := range ids {
		events[i] = map[string]any{"id": id, "type": "post.created", "created_at": "2026-01-02T03:04:05Z", "data": map[string]any{"of": id}}
	}
	if len(ids) == 1 {
		return "/v1/events", events[0]
	}
	return "/v1/events/batch", map[string]any{"events": events}
}

func (o *load) note(ids []string, a stack.Answer, err error, again bool) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if again {
		o.repeated++
	}
	switch {
	case err != nil || a.Status == http.StatusServiceUnavailable:
	// A repeated one gets 200 when the first, whose answer was lost, was committed.
	case a.Status == http.StatusAccepted, again && a.Status == http.StatusOK:
		for _, id := range ids {
			o.accepted[id] = time.Now()
		}
	default:
		o.bad = append(o.bad, fmt.Errorf("publish %v: %s", ids, a))
	}
}

// count is how many events have been accepted.
func (o *load) count() int {
	o.mu.Lock()
	defer o.mu.Unlock()
	return len(o.accepted)
}

// finish stops, waits until every request is answered, and returns when each
// event was accepted.
func (o *load) finish(t *testing.T) map[string]time.Time {
	t.Helper()
	close(o.stop)
	o.group.Wait()
	for _, err := range o.bad[:min(len(o.bad), 5)] {
		t.Errorf("one of %d bad answers: %v", len(o.bad), err)
	}
	return maps.Clone(o.accepted)
}
