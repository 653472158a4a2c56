package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"time"

	"github.com/postrider/postrider/client"
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
	rounds  int
	trials  []*trialResult
	noises  []*noiseResult
}

// trialResult is all rounds of a trial; without is the same load in the same
// round with healthy endpoints only.
type trialResult struct {
	trial
	with    timings
	without *timings
	patients
}

// patients is what became of deliveries.
type patients struct {
	// lost and twice are deliveries to healthy endpoints.
	lost, twice int64
	// mostSick is how many requests the sick ones held at a time.
	mostSick int64
}

// measureIsolation runs every trial in turn, several times over: a stall of the
// disk or of the machine hits one round and not the median.
func measureIsolation(ctx context.Context, o options, progress io.Writer) (_ *isolation, err error) {
	s, err := startStack(ctx, o, progress)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, s.stop(ctx)) }()
	out := &isolation{seconds: 30, rounds: o.runs, noises: newNoises(), trials: newTrials(o)}
	if o.quick {
		out.seconds = 1
	}
	if out.machine, err = describe(ctx, s); err != nil {
		return nil, err
	}
	// What setting up has written reaches the disk during the first trial, which
	// does not count.
	if _, _, err := s.try(ctx, trial{groupSize, healthy}, out.seconds); err != nil {
		return nil, err
	}
	for n := range o.runs {
		fmt.Fprintf(progress, "round %d of %d\n", n+1, o.runs)
		if err := s.isolationRound(ctx, out, progress); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// newTrials are for each number of endpoints one in which all are healthy, and
// then the sick.
func newTrials(o options) (all []*trialResult) {
	sizes := []int{40, 400}
	switch {
	case o.noise:
		sizes = nil
	case o.quick:
		sizes = []int{20}
	case o.ward > 0:
		sizes = []int{o.ward}
	}
	for _, n := range sizes {
		well := &trialResult{trial: trial{n, healthy}}
		all = append(all, well)
		for _, i := range []illness{hangs, slow, refuses} {
			all = append(all, &trialResult{trial: trial{n, i}, without: &well.with})
		}
	}
	return all
}

func (s *stack) isolationRound(ctx context.Context, out *isolation, progress io.Writer) error {
	for _, t := range out.trials {
		fmt.Fprintf(progress, "%d endpoints, half of them: %s:", t.endpoints, t.illness.title())
		if err := s.checkpoint(ctx); err != nil {
			return err
		}
		took, got, err := s.try(ctx, t.trial, out.seconds)
		if err != nil {
			return err
		}
		fmt.Fprintf(progress, " p50 %s, p99 %s, max %s, %d lost\n", took.p50, took.p99, took.max, got.lost)
		t.with.add(took)
		t.lost, t.twice, t.mostSick = t.lost+got.lost, t.twice+got.twice, max(t.mostSick, got.mostSick)
	}
	return s.measureNoise(ctx, out.noises, out.seconds, progress)
}

// checkpoint has Postgres write out what it does every five minutes. A round takes
// about as long: the same trial would meet it each time.
func (s *stack) checkpoint(ctx context.Context) error { return s.exec(ctx, "CHECKPOINT") }

func (i illness) title() string {
	if i == healthy {
		return "no one is sick"
	}
	return string(i)
}

// try runs one trial with endpoints of its own and takes them away again, so
// that what is still pending for the sick ones troubles no other.
func (s *stack) try(ctx context.Context, t trial, seconds int) (_ latency, _ patients, err error) {
	const eventRate = isolationRate / groupSize
	count, skip := (warmSeconds+seconds)*eventRate, warmSeconds*eventRate
	w, err := openWard(ctx, t.illness, count, groupSize/2)
	if err != nil {
		return latency{}, patients{}, err
	}
	defer func() { err = errors.Join(err, w.stop()) }()
	user, ids, err := s.admit(ctx, t, w)
	if err != nil {
		return latency{}, patients{}, err
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
		return latency{}, patients{}, err
	}
	out := patients{lost: w.left.Load(), twice: w.twice.Load(), mostSick: w.mostSick.Load()}
	return newLatency(w.took(posted, skip)), out, discharge(ctx, user, ids)
}

// admit makes a workspace with the trial's endpoints: in each group every second
// one is sick.
func (s *stack) admit(ctx context.Context, t trial, w *ward) (user, []string, error) {
	u, err := s.newUser(ctx, client.WorkspaceInput{Name: "Ward"})
	if err != nil {
		return user{}, nil, err
	}
	closed, err := freeAddr(ctx)
	if err != nil {
		return user{}, nil, err
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
		e, err := u.Endpoints.Create(ctx, client.EndpointInput{URL: url, Events: []string{"ward.g" + strconv.Itoa(i/groupSize)}})
		if err != nil {
			return user{}, nil, err
		}
		ids = append(ids, e.ID)
	}
	return u, ids, nil
}

// discharge deletes the endpoints: what is pending for them is canceled.
func discharge(ctx context.Context, u user, ids []string) error {
	for _, id := range ids {
		if err := u.Endpoints.Delete(ctx, id); err != nil {
			return err
		}
	}
	return nil
}
