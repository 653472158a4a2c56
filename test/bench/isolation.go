package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"time"
)

const (
	// isolationRate is deliveries a second, half of them to sick endpoints.
	isolationRate = 1000
	// groupSize is how many endpoints get each event; every second one is sick.
	groupSize = 10
	// warmSeconds at the start don't count: windows and connections open.
	warmSeconds = 5
)

// trial is one set-up: so many endpoints, every second of which is sick.
type trial struct {
	endpoints int
	illness   illness
}

// isolation is everything that the report tells.
type isolation struct {
	machine machine
	seconds int
	trials  []trialResult
	noises  []noiseResult
}

// trialResult is one trial beside the same load with healthy endpoints only.
type trialResult struct {
	trial
	without, with latency
	// lost and twice are deliveries to healthy endpoints.
	lost, twice int64
	// mostSick is how many requests the sick ones held at a time.
	mostSick int64
}

// measureIsolation runs every trial, for each number of endpoints after a run in
// which all are healthy.
func measureIsolation(ctx context.Context, o options, progress io.Writer) (_ *isolation, err error) {
	s, err := startStack(ctx, o, progress)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, s.stop(ctx)) }()
	out := &isolation{seconds: 30}
	sizes := []int{40, 400}
	if o.quick {
		out.seconds, sizes = 1, []int{20}
	}
	switch {
	case o.noise:
		sizes = nil
	case o.ward > 0:
		sizes = []int{o.ward}
	}
	if out.machine, err = describe(ctx, s); err != nil {
		return nil, err
	}
	for _, n := range sizes {
		var without latency
		for _, i := range []illness{healthy, hangs, slow, refuses} {
			fmt.Fprintf(progress, "%d endpoints, half of them: %s:", n, i.title())
			got, err := s.try(ctx, trial{n, i}, out.seconds)
			if err != nil {
				return nil, err
			}
			fmt.Fprintf(progress, " p50 %s, p99 %s, max %s, %d lost\n", got.with.p50, got.with.p99, got.with.max, got.lost)
			if i == healthy {
				without = got.with
			}
			got.without = without
			out.trials = append(out.trials, got)
		}
	}
	length := noiseSeconds
	if o.quick {
		length = 1
	}
	out.noises, err = s.measureNoise(ctx, length, progress)
	return out, err
}

func (i illness) title() string {
	if i == healthy {
		return "no one is sick"
	}
	return string(i)
}

// try runs one trial with endpoints of its own and takes them away again, so
// that what is still pending for the sick ones troubles no other.
func (s *stack) try(ctx context.Context, t trial, seconds int) (_ trialResult, err error) {
	const eventRate = isolationRate / groupSize
	count, skip := (warmSeconds+seconds)*eventRate, warmSeconds*eventRate
	w, err := openWard(ctx, t.illness, count, groupSize/2)
	if err != nil {
		return trialResult{}, err
	}
	defer func() { err = errors.Join(err, w.stop()) }()
	user, ids, err := s.admit(ctx, t, w)
	if err != nil {
		return trialResult{}, err
	}
	p := newPoster(s.apiURL, user.key, "", groupSize*20)
	groups := t.endpoints / groupSize
	posted, err := steadily(ctx, count, time.Second/eventRate, func(ctx context.Context, n int) error {
		return p.send(ctx, p.eventsURL, http.StatusAccepted, groupEvent(n%groups, n))
	})
	if err == nil {
		err = w.wait(ctx)
	}
	if err != nil {
		return trialResult{}, err
	}
	out := trialResult{
		trial: t, with: newLatency(w.took(posted, skip)),
		lost: w.left.Load(), twice: w.twice.Load(), mostSick: w.mostSick.Load(),
	}
	return out, discharge(ctx, user, ids)
}

// admit makes a workspace with the trial's endpoints: in each group every second
// one is sick.
func (s *stack) admit(ctx context.Context, t trial, w *ward) (apiClient, []string, error) {
	user, err := apiClient{s.apiURL, s.adminKey}.newTenant(ctx, map[string]any{"name": "Ward"})
	if err != nil {
		return apiClient{}, nil, err
	}
	closed, err := freeAddr(ctx)
	if err != nil {
		return apiClient{}, nil, err
	}
	ids := make([]string, 0, t.endpoints)
	for i := range t.endpoints {
		url := w.url + "/well/" + strconv.Itoa(i/2)
		switch {
		case i%2 == 0: // well
		case t.illness == refuses:
			url = "http://" + closed + "/sick/" + strconv.Itoa(i/2)
		default:
			url = w.url + "/sick/" + strconv.Itoa(i/2)
		}
		var e struct{ ID string }
		err := user.do(ctx, http.MethodPost, "/v1/endpoints",
			map[string]any{"url": url, "events": []string{"ward.g" + strconv.Itoa(i/groupSize)}}, &e)
		if err != nil {
			return apiClient{}, nil, err
		}
		ids = append(ids, e.ID)
	}
	return user, ids, nil
}

// discharge deletes the endpoints: what is pending for them is canceled.
func discharge(ctx context.Context, user apiClient, ids []string) error {
	for _, id := range ids {
		if err := user.do(ctx, http.MethodDelete, "/v1/endpoints/"+id, nil, nil); err != nil {
			return err
		}
	}
	return nil
}
