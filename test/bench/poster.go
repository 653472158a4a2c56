package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"sync"
	"sync/atomic"
	"time"
)

// poster publishes events, or posts them straight to the receiver, over
// connections that are kept alive.
type poster struct {
	client *http.Client
	// eventsURL takes events for key; receiverURL is the receiver.
	eventsURL, key, receiverURL string
}

func newPoster(apiURL, key, receiverURL string, connections int) *poster {
	return &poster{
		client: &http.Client{
			Timeout: time.Minute,
			Transport: &http.Transport{
				MaxIdleConns: 0, MaxIdleConnsPerHost: connections, DisableCompression: true,
			},
		},
		eventsURL: apiURL + "/v1/events", key: key, receiverURL: receiverURL,
	}
}

// post sends so many events from the n-th on in one request: as many as a batch has, or one.
func (p *poster) post(ctx context.Context, k kind, n, count int) error {
	url, want := p.eventsURL, http.StatusAccepted
	switch {
	case k.bare:
		url, want = p.receiverURL+k.path(0), http.StatusOK
	case k.batch > 0:
		url += "/batch"
	}
	if err := p.sendOnce(ctx, url, want, k.key(n), k.request(n, count)); err != nil {
		return fmt.Errorf("event %d: %w", n, err)
	}
	return nil
}

func (p *poster) send(ctx context.Context, url string, want int, body []byte) error {
	return p.sendOnce(ctx, url, want, "", body)
}

// sendOnce sends under an Idempotency-Key, unless that is "".
func (p *poster) sendOnce(ctx context.Context, url string, want int, key string, body []byte) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, url, bytes.NewReader(body))
	if err != nil {
		return err
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("Authorization", "Bearer "+p.key)
	if key != "" {
		req.Header.Set("Idempotency-Key", key)
	}
	res, err := p.client.Do(req)
	if err != nil {
		return err
	}
	said, err := io.ReadAll(io.LimitReader(res.Body, 1<<20))
	if err := errors.Join(err, res.Body.Close()); err != nil {
		return err
	}
	if res.StatusCode != want {
		return fmt.Errorf("the answer was %s: %s", res.Status, said)
	}
	return nil
}

// postAll sends events first to first+count-1 in a closed loop: each of so many
// posters sends its next one when the last is answered. It returns the time from
// the first request to the last answer, and stops at the first error.
func (p *poster) postAll(ctx context.Context, k kind, first, count, posters int) (time.Duration, error) {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	var next atomic.Int64
	var wg sync.WaitGroup
	step := max(k.batch, 1)
	start := time.Now()
	for range posters {
		wg.Go(func() {
			for ctx.Err() == nil {
				n := int(next.Add(int64(step))) - step
				if n >= count {
					return
				}
				if err := p.post(ctx, k, first+n, min(step, count-n)); err != nil {
					cancel(err)
				}
			}
		})
	}
	wg.Wait()
	return time.Since(start), context.Cause(ctx)
}

// postSteadily sends count events on an absolute schedule, and returns when each
// was about to be written.
func (p *poster) postSteadily(ctx context.Context, k kind, first, count int, every time.Duration) ([]time.Time, error) {
	return steadily(ctx, count, every, func(ctx context.Context, n int) error { return p.post(ctx, k, first+n, 1) })
}

// steadily calls do for 0 to count-1 on an absolute schedule, whatever became of
// those before, and returns when each was called. It stops at the first error.
func steadily(ctx context.Context, count int, every time.Duration, do func(context.Context, int) error) ([]time.Time, error) {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	posted := make([]time.Time, count)
	var wg sync.WaitGroup
	defer wg.Wait()
	start := time.Now()
	timer := time.NewTimer(0)
	defer timer.Stop()
	for n := range count {
		timer.Reset(time.Until(start.Add(time.Duration(n) * every)))
		select {
		case <-timer.C:
		case <-ctx.Done():
			return nil, context.Cause(ctx)
		}
		wg.Go(func() {
			posted[n] = time.Now()
			if err := do(ctx, n); err != nil {
				cancel(err)
			}
		})
	}
	wg.Wait()
	return posted, context.Cause(ctx)
}
