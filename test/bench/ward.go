package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// illness is how a sick receiver answers.
type illness string

const (
	healthy illness = ""
	hangs   illness = "hangs until the timeout of 10 s"
	slow    illness = "answers after 3 s"
	refuses illness = "refuses connections"
)

// ward is a receiver whose endpoints are healthy or sick. Its paths are
// /well/N and /sick/N.
type ward struct {
	url     string
	illness illness
	// arrived holds, by event and healthy endpoint, unix nanoseconds.
	arrived []atomic.Int64
	wells   int
	left    atomic.Int64
	twice   atomic.Int64
	// sick requests under way, and the most there were.
	sick, mostSick atomic.Int64

	ended chan struct{} // closed by stop: who hangs lets go
	once  sync.Once
	srv   *http.Server
	done  chan struct{}
}

// openWard expects each of so many events at each of so many healthy endpoints
// that it goes to.
func openWard(ctx context.Context, i illness, events, wells int) (*ward, error) {
	lis, err := new(net.ListenConfig).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("open the ward: %w", err)
	}
	w := &ward{
		url: "http://" + lis.Addr().String(), illness: i, arrived: make([]atomic.Int64, events*wells), wells: wells,
		ended: make(chan struct{}), done: make(chan struct{}),
	}
	w.left.Store(int64(events * wells))
	w.srv = &http.Server{Handler: w, ReadHeaderTimeout: 10 * time.Second}
	go func() {
		defer close(w.done)
		_ = w.srv.Serve(lis) // ends with stop
	}()
	return w, nil
}

func (w *ward) stop() error {
	w.once.Do(func() { close(w.ended) })
	err := w.srv.Close()
	<-w.done
	return err
}

// ServeHTTP implements http.Handler.
func (w *ward) ServeHTTP(_ http.ResponseWriter, req *http.Request) {
	at := time.Now()
	body, err := io.ReadAll(io.LimitReader(req.Body, 1<<20))
	if err != nil {
		return
	}
	if strings.HasPrefix(req.URL.Path, "/sick/") && w.illness != healthy {
		w.suffer(req.Context())
		return
	}
	if number, ok := strings.CutPrefix(req.URL.Path, "/well/"); ok {
		w.arrive(sequenceOf(body), number, at)
	}
}

// suffer lasts as long as the illness says, or until the client hangs up.
func (w *ward) suffer(ctx context.Context) {
	most := w.sick.Add(1)
	defer w.sick.Add(-1)
	for old := w.mostSick.Load(); most > old && !w.mostSick.CompareAndSwap(old, most); old = w.mostSick.Load() {
	}
	length := time.Minute
	if w.illness == slow {
		length = 3 * time.Second
	}
	timer := time.NewTimer(length)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	case <-w.ended:
	}
}

// arrive counts a request at the healthy endpoint of that number: its events
// are those of its group, where it has a place.
func (w *ward) arrive(event int, number string, at time.Time) {
	endpoint, err := strconv.Atoi(number)
	slot := event*w.wells + endpoint%w.wells
	if err != nil || event < 0 || slot >= len(w.arrived) {
		return
	}
	if !w.arrived[slot].CompareAndSwap(0, at.UnixNano()) {
		w.twice.Add(1)
		return
	}
	w.left.Add(-1)
}

// wait returns when every healthy delivery has arrived, or none has for a while.
func (w *ward) wait(ctx context.Context) error {
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	left, since := w.left.Load(), time.Now()
	for left > 0 && time.Since(since) < lostAfter {
		select {
		case <-tick.C:
		case <-ctx.Done():
			return errors.Join(errors.New("waiting for arrivals"), context.Cause(ctx))
		}
		if now := w.left.Load(); now != left {
			left, since = now, time.Now()
		}
	}
	return nil
}

// took is how long each arrival took since its event was posted, without the
// first skip events.
func (w *ward) took(posted []time.Time, skip int) (all []time.Duration) {
	for slot := skip * w.wells; slot < len(w.arrived); slot++ {
		if at := w.arrived[slot].Load(); at != 0 {
			all = append(all, time.Duration(at-posted[slot/w.wells].UnixNano()))
		}
	}
	return all
}
