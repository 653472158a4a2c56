package console

import (
	"bytes"
	"context"
	"errors"
	"net/http"
	"time"

	"github.com/postrider/postrider/client"
	"github.com/postrider/postrider/internal/sse"
)

const (
	// maxStreams is how many readers of this process get live updates; others see a
	// page as it was.
	maxStreams = 200
	// maxStreamsOfOne is how many one session gets, so that nobody takes all: windows
	// that are open at once.
	maxStreamsOfOne = 20
	// streamTime is how long one lasts at most: the browser asks again, and is let in
	// anew, or not. It is below the server's bound on a whole exchange.
	streamTime = 2 * time.Minute
	// streamRetry is when the browser asks again.
	streamRetry = 5 * time.Second
	// minGap is between two looks of one reader, however much happens, and costlyGap
	// how many times as long as one took: so a reader costs a tenth of a connection.
	minGap    = 250 * time.Millisecond
	costlyGap = 10
)

// errSettled ends a stream after what was rendered with it: nothing on the page will
// change any more. The browser is told (sse-close="settled") and does not come back, so
// that pages which are only looked at take no room from others.
var errSettled = errors.New("nothing changes any more")

// stream sends what make renders as often as that, where it changed, until the
// reader is gone or the process stops. event names it for sse-swap.
func (v *visit) stream(event string, every time.Duration, make func(out *bytes.Buffer) error) error {
	return v.follow(event, nil, every, make)
}

// follow is stream that looks besides whenever something changed.
func (v *visit) follow(event string, changed <-chan struct{}, every time.Duration, make func(out *bytes.Buffer) error) error {
	leave, ok := v.c.streams.take(v.c.token(v.r, v.base))
	if !ok {
		return &problem{Status: http.StatusServiceUnavailable, Title: "Too many live pages", Detail: "Reload the page to see what is new.", retryAfter: 30}
	}
	defer leave()
	ctx, cancel := context.WithTimeout(v.ctx(), streamTime)
	defer cancel()
	tick := time.NewTicker(every)
	defer tick.Stop()
	out, request := sse.Begin(v.w, streamRetry), v.r
	for last := ""; out.Err() == nil; {
		select {
		case <-ctx.Done():
			return nil
		case <-v.c.cfg.Stopping:
			return nil
		case <-changed:
		case <-tick.C:
		}
		began := time.Now()
		v.r = request // each look is let in anew: the session may have ended meanwhile
		text, err := v.look(make)
		if err != nil && !errors.Is(err, errSettled) {
			return nil // the browser asks again, and is told why by a page
		}
		if text != last {
			last = text
			out.Send(event, []byte(text))
		}
		if err != nil {
			out.Send("settled", []byte("end"))
			return nil
		}
		v.rest(ctx, max(minGap, costlyGap*time.Since(began)))
	}
	return nil
}

func (v *visit) look(make func(out *bytes.Buffer) error) (string, error) {
	if err := v.c.admit(v, &page{}); err != nil {
		return "", err
	}
	var out bytes.Buffer
	err := make(&out)
	return out.String(), err
}

// rest is until d is over, or the stream is.
func (v *visit) rest(ctx context.Context, d time.Duration) {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
	case <-v.c.cfg.Stopping:
	case <-t.C:
	}
}

// attempts tells at once, and then of each attempt that the API's stream shows, until
// stop. Several at once are told of once. Where there is no stream, or no more, nothing
// is told: who follows looks now and then anyway.
func (v *visit) attempts(o client.StreamOptions) (changed <-chan struct{}, stop func()) {
	o.Kinds = []client.StreamKind{client.StreamAttempts}
	ctx, cancel := context.WithCancel(v.ctx())
	told, over, api := make(chan struct{}, 1), make(chan struct{}), v.api
	told <- struct{}{}
	go func() {
		defer close(over)
		for m, err := range api.Stream(ctx, o) {
			if err != nil {
				return
			}
			if m.Attempt == nil && m.Gap == nil {
				continue
			}
			select {
			case told <- struct{}{}:
			default:
			}
		}
	}()
	return told, func() { cancel(); <-over }
}
