package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"
)

// noise is what another workspace does meanwhile.
type noise struct {
	title string
	// rate is deliveries a second; 0 is none.
	rate int
	// bursts are of burstBatches batches of batchEvents events.
	bursts int
}

const (
	// quietRate is events a second of the workspace that is measured, each to one
	// endpoint; the noisy one's go to groupSize.
	quietRate = 10

	burstBatches, batchEvents = 5, 1000
)

func newNoises() (all []*noiseResult) {
	for _, n := range []noise{
		{title: "nobody else publishes"},
		{title: "another workspace publishes 100 times as much: 1,000 deliveries/s", rate: 1000},
		{title: "another workspace publishes 200 times as much: 2,000 deliveries/s", rate: 2000},
		{title: "another workspace brings 50,000 deliveries at once, twice", bursts: 2},
	} {
		all = append(all, &noiseResult{noise: n})
	}
	return all
}

// noiseResult is all rounds of the quiet workspace beside one noise.
type noiseResult struct {
	noise
	// delivered is from the post to the receiver, accepted from the post to its
	// answer, and bare how long a request straight to the receiver took at the
	// same times: what the machine makes of everybody by itself.
	delivered, accepted, bare timings
	lost, twice               int64
}

// measureNoise runs the quiet workspace alone and beside each noise.
func (s *stack) measureNoise(ctx context.Context, all []*noiseResult, seconds int, progress io.Writer) error {
	for _, n := range all {
		fmt.Fprintf(progress, "%s:", n.title)
		if err := s.checkpoint(ctx); err != nil {
			return err
		}
		got, err := s.listen(ctx, n.noise, seconds)
		if err != nil {
			return err
		}
		fmt.Fprintf(progress, " p50 %s, p99 %s, max %s; accepted p99 %s; straight p99 %s; %d lost\n",
			got.delivered.p50, got.delivered.p99, got.delivered.max, got.accepted.p99, got.bare.p99, got.lost)
		n.delivered.add(got.delivered)
		n.accepted.add(got.accepted)
		n.bare.add(got.bare)
		n.lost, n.twice = n.lost+got.lost, n.twice+got.twice
	}
	return nil
}

// heard is one run of the quiet workspace.
type heard struct {
	delivered, accepted, bare latency
	lost, twice               int64
}

func (s *stack) listen(ctx context.Context, n noise, seconds int) (_ heard, err error) {
	count, skip := (warmSeconds+seconds)*quietRate, warmSeconds*quietRate
	quiet, err := s.movein(ctx, count, 1)
	if err != nil {
		return heard{}, err
	}
	defer func() { err = errors.Join(err, quiet.leave(ctx)) }()
	noisy, err := s.movein(ctx, 0, groupSize)
	if err != nil {
		return heard{}, err
	}
	defer func() { err = errors.Join(err, noisy.leave(ctx)) }()
	made := make(chan error, 1)
	go func() { made <- noisy.make(ctx, n, seconds) }()
	accepted, bare := make([]time.Duration, count), make([]time.Duration, count)
	posted, err := steadily(ctx, count, time.Second/quietRate, func(ctx context.Context, n int) (err error) {
		if accepted[n], err = timed(func() error { return quiet.publish(ctx, n) }); err == nil {
			bare[n], err = timed(func() error { return quiet.straight(ctx, n) })
		}
		return err
	})
	if err == nil {
		err = quiet.ward.wait(ctx)
	}
	if err = errors.Join(err, <-made); err != nil {
		return heard{}, err
	}
	return heard{
		delivered: newLatency(quiet.ward.took(posted, skip)), accepted: newLatency(accepted[skip:]), bare: newLatency(bare[skip:]),
		lost: quiet.ward.left.Load(), twice: quiet.ward.twice.Load(),
	}, nil
}

func timed(do func() error) (time.Duration, error) {
	start := time.Now()
	err := do()
	return time.Since(start), err
}

// tenant is a workspace with its endpoints, all healthy, and their receiver.
type tenant struct {
	ward   *ward
	poster *poster
	user   user
	ids    []string
}

// movein makes one whose events go to so many endpoints.
func (s *stack) movein(ctx context.Context, events, endpoints int) (*tenant, error) {
	w, err := openWard(ctx, healthy, events, (endpoints+1)/2)
	if err != nil {
		return nil, err
	}
	user, ids, err := s.admit(ctx, trial{endpoints, healthy}, w)
	if err != nil {
		return nil, errors.Join(err, w.stop())
	}
	return &tenant{w, newPoster(s.apiURL, user.key, "", 64), user, ids}, nil
}

func (t *tenant) leave(ctx context.Context) error {
	return errors.Join(discharge(ctx, t.user, t.ids), t.ward.stop())
}

func (t *tenant) publish(ctx context.Context, n int) error {
	return t.poster.send(ctx, t.poster.eventsURL, http.StatusAccepted, groupEvent(0, n))
}

// straight sends the same to the receiver itself, which does not count it.
func (t *tenant) straight(ctx context.Context, n int) error {
	return t.poster.send(ctx, t.ward.url+"/straight", http.StatusOK, groupEvent(0, n))
}

func (t *tenant) make(ctx context.Context, n noise, seconds int) error {
	length := time.Duration(warmSeconds+seconds) * time.Second
	if events := n.rate / groupSize; events > 0 {
		_, err := steadily(ctx, (warmSeconds+seconds)*events, time.Second/time.Duration(events), t.publish)
		return err
	}
	if n.bursts > 0 {
		_, err := steadily(ctx, n.bursts, length/time.Duration(n.bursts), func(ctx context.Context, _ int) error { return t.burst(ctx) })
		return err
	}
	return nil
}

func (t *tenant) burst(ctx context.Context) error {
	for range burstBatches {
		if err := t.poster.send(ctx, t.poster.eventsURL+"/batch", http.StatusAccepted, groupBatch()); err != nil {
			return err
		}
	}
	return nil
}

// groupEvent is event n of a group of endpoints.
func groupEvent(group, n int) []byte {
	return fmt.Appendf(nil, `{"type":"ward.g%d","data":{%s%d,"note":%q}}`, group, sequenceKey, n, filler[:payloadBytes-40])
}

func groupBatch() []byte {
	events := make([]string, batchEvents)
	for n := range events {
		events[n] = string(groupEvent(0, n))
	}
	return []byte(`{"events":[` + strings.Join(events, ",") + "]}")
}
