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
type noise string

const (
	silence noise = "nobody else publishes"
	steady  noise = "another workspace publishes 100 times as much"
	burst   noise = "another workspace brings 50,000 deliveries at once, twice"
)

const (
	// quietRate is events a second of the workspace that is measured; each goes
	// to groupSize endpoints.
	quietRate = 2
	noisyRate = 100 * quietRate
	// burstBatches of batchEvents events make a burst.
	burstBatches, batchEvents = 5, 1000
)

// noiseResult is one run of the quiet workspace.
type noiseResult struct {
	noise       noise
	got         latency
	lost, twice int64
}

// measureNoise runs the quiet workspace alone and beside each noise.
func (s *stack) measureNoise(ctx context.Context, seconds int, progress io.Writer) (all []noiseResult, err error) {
	for _, n := range []noise{silence, steady, burst} {
		fmt.Fprintf(progress, "%s:", n)
		got, err := s.listen(ctx, n, seconds)
		if err != nil {
			return nil, err
		}
		fmt.Fprintf(progress, " p50 %s, p99 %s, max %s, %d lost\n", got.got.p50, got.got.p99, got.got.max, got.lost)
		all = append(all, got)
	}
	return all, nil
}

func (s *stack) listen(ctx context.Context, n noise, seconds int) (_ noiseResult, err error) {
	count := (warmSeconds + seconds) * quietRate
	quiet, err := s.movein(ctx, count)
	if err != nil {
		return noiseResult{}, err
	}
	defer func() { err = errors.Join(err, quiet.leave(ctx)) }()
	noisy, err := s.movein(ctx, 0)
	if err != nil {
		return noiseResult{}, err
	}
	defer func() { err = errors.Join(err, noisy.leave(ctx)) }()
	made := make(chan error, 1)
	go func() { made <- noisy.make(ctx, n, seconds) }()
	posted, err := steadily(ctx, count, time.Second/quietRate, quiet.publish)
	if err == nil {
		err = quiet.ward.wait(ctx)
	}
	if err = errors.Join(err, <-made); err != nil {
		return noiseResult{}, err
	}
	return noiseResult{
		noise: n, got: newLatency(quiet.ward.took(posted, warmSeconds*quietRate)),
		lost: quiet.ward.left.Load(), twice: quiet.ward.twice.Load(),
	}, nil
}

// tenant is a workspace with its endpoints, all healthy, and their receiver.
type tenant struct {
	ward   *ward
	poster *poster
	user   apiClient
	ids    []string
}

func (s *stack) movein(ctx context.Context, events int) (*tenant, error) {
	w, err := openWard(ctx, healthy, events, groupSize/2)
	if err != nil {
		return nil, err
	}
	user, ids, err := s.admit(ctx, trial{groupSize, healthy}, w)
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

func (t *tenant) make(ctx context.Context, n noise, seconds int) error {
	switch n {
	case steady:
		_, err := steadily(ctx, (warmSeconds+seconds)*noisyRate, time.Second/noisyRate, t.publish)
		return err
	case burst:
		_, err := steadily(ctx, 2*burstBatches, time.Duration(warmSeconds+seconds)*time.Second/(2*burstBatches), func(ctx context.Context, n int) error {
			if n%burstBatches != 1 {
				return nil
			}
			for range burstBatches {
				if err := t.poster.send(ctx, t.poster.eventsURL+"/batch", http.StatusAccepted, groupBatch()); err != nil {
					return err
				}
			}
			return nil
		})
		return err
	default:
		return nil
	}
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
