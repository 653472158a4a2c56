package cli

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/postrider/postrider/client"
)

// benchReport is what was measured. Percentiles are exact.
type benchReport struct {
	Accepted  int             `json:"accepted"`
	Refused   int             `json:"refused"`
	Refusal   string          `json:"first_refusal,omitempty"`
	Seconds   float64         `json:"seconds"`
	PerSecond float64         `json:"accepted_per_second"`
	RequestMS percentiles     `json:"request_ms"`
	Delivered *benchDelivered `json:"delivered,omitempty"`

	ids map[string]time.Time // when each accepted event's request began
}

// benchDelivered is what the receiver saw.
type benchDelivered struct {
	Events    int         `json:"events"`
	LatencyMS percentiles `json:"latency_ms"`
}

type percentiles struct {
	P50 float64 `json:"p50"`
	P95 float64 `json:"p95"`
	P99 float64 `json:"p99"`
	Max float64 `json:"max"`
}

func percentilesOf(took []time.Duration) percentiles {
	if len(took) == 0 {
		return percentiles{}
	}
	slices.Sort(took)
	at := func(share float64) float64 {
		return float64(took[max(0, int(math.Ceil(share*float64(len(took))))-1)].Microseconds()) / 1000
	}
	return percentiles{at(0.5), at(0.95), at(0.99), at(1)}
}

func (p percentiles) String() string {
	return fmt.Sprintf("p50 %.1f ms, p95 %.1f ms, p99 %.1f ms, max %.1f ms", p.P50, p.P95, p.P99, p.Max)
}

// bench collects what the publishers see.
type bench struct {
	benching
	api *client.Client

	mu     sync.Mutex
	report benchReport
	took   []time.Duration
	fatal  error
}

// publish publishes until all are, or the time is over, or the first refusal that no
// later request will change. What was measured until then is the report.
func (b *benching) publish(ctx context.Context, t target) (benchReport, error) {
	// A retry would hide what is to be measured.
	run := bench{benching: *b, api: t.client(client.Config{MaxRetries: -1}), report: benchReport{ids: map[string]time.Time{}}}
	limited, stop := context.WithTimeout(ctx, b.duration)
	defer stop()
	began := time.Now()
	turns := make(chan int)
	var publishers sync.WaitGroup
	for range b.concurrency {
		publishers.Go(func() {
			for n := range turns {
				if run.one(limited, n); run.over() {
					stop()
				}
			}
		})
	}
	b.pace(limited, turns)
	close(turns)
	publishers.Wait()
	r := run.report
	r.Seconds, r.RequestMS = time.Since(began).Seconds(), percentilesOf(run.took)
	r.PerSecond = float64(r.Accepted) / r.Seconds
	return r, errors.Join(run.fatal, ctx.Err())
}

// pace hands out requests, each with how many events it has.
func (b *benching) pace(ctx context.Context, turns chan<- int) {
	began := time.Now()
	for sent := 0; sent < b.events; {
		if b.rate > 0 {
			due := began.Add(time.Duration(float64(sent) / b.rate * float64(time.Second)))
			timer := time.NewTimer(time.Until(due))
			select {
			case <-timer.C:
			case <-ctx.Done():
				timer.Stop()
				return
			}
		}
		n := min(b.batch, b.events-sent)
		select {
		case turns <- n:
			sent += n
		case <-ctx.Done():
			return
		}
	}
}

func (b *bench) over() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.fatal != nil
}

// one makes a request of n events.
func (b *bench) one(ctx context.Context, n int) {
	e := client.NewEvent{Type: b.eventType, Data: map[string]string{"padding": strings.Repeat("x", b.size)}}
	began := time.Now()
	accepted, err := b.request(ctx, e, n)
	took := time.Since(began)
	b.mu.Lock()
	defer b.mu.Unlock()
	switch {
	case err == nil:
		b.took = append(b.took, took)
		b.report.Accepted += n
		for _, a := range accepted {
			b.report.ids[a.ID] = began
		}
	case ctx.Err() != nil: // the time was over: that is no refusal
	default:
		b.report.Refused += n
		b.report.Refusal = cmp.Or(b.report.Refusal, strings.TrimPrefix(err.Error(), "client: "))
		var answer *client.Error
		if b.fatal == nil && errors.As(err, &answer) && exitOf(answer) != ExitAway && answer.Status < 500 {
			b.fatal = err
		}
	}
}

func (b *bench) request(ctx context.Context, e client.NewEvent, n int) ([]client.Accepted, error) {
	if b.batch > 1 {
		return b.api.Events.PublishBatch(ctx, slices.Repeat([]client.NewEvent{e}, n))
	}
	a, err := b.api.Events.Publish(ctx, e)
	return []client.Accepted{a}, err
}
