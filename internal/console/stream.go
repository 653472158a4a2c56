package console

import (
	"bytes"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"
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
)

// errSettled comes with the last of a stream: nothing changes any more. The page
// closes it then (sse-close="settled"), else the browser would open it again, and pages
// that are only looked at would take room from others.
var errSettled = errors.New("nothing changes any more")

// stream sends what make renders as often as that, where it changed, until the
// reader is gone or the process stops. event names it for sse-swap.
func (v *visit) stream(event string, every time.Duration, make func(out *bytes.Buffer) error) error {
	leave, ok := v.c.streams.take(v.c.token(v.r, v.base))
	if !ok {
		return &problem{Status: http.StatusServiceUnavailable, Title: "Too many live pages", Detail: "Reload the page to see what is new.", retryAfter: 30}
	}
	defer leave()
	v.w.Header().Set("Content-Type", "text/event-stream")
	rc, end := http.NewResponseController(v.w), time.NewTimer(streamTime)
	defer end.Stop()
	tick := time.NewTicker(every)
	defer tick.Stop()
	fmt.Fprint(v.w, "retry: 5000\n\n")
	for last := ""; ; {
		if err := rc.Flush(); err != nil {
			return nil // the reader is gone
		}
		select {
		case <-v.ctx().Done():
			return nil
		case <-v.c.cfg.Stopping:
			return nil
		case <-end.C:
			return nil
		case <-tick.C:
		}
		var out bytes.Buffer
		// The session may have ended meanwhile: each look is let in like a page.
		if v.c.admit(v, &page{}) != nil {
			return nil // the browser asks again, and is told why by a page
		}
		err := make(&out)
		if err != nil && !errors.Is(err, errSettled) {
			return nil
		}
		if text := out.String(); text != last {
			last = text
			fmt.Fprintf(v.w, "event: %s\ndata: %s\n\n", event, strings.ReplaceAll(strings.ReplaceAll(text, "\r", ""), "\n", "\ndata: "))
		}
		if err != nil {
			fmt.Fprint(v.w, "event: settled\ndata: end\n\n")
			_ = rc.Flush() // fails only when the reader is gone
			return nil
		}
	}
}
