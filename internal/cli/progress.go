package cli

import (
	"context"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/postrider/postrider/client"
)

const (
	// lookEvery is how often a replay is looked at. lineEvery is how often that is
	// said where no line can be written over.
	lookEvery = 300 * time.Millisecond
	lineEvery = 5 * time.Second
	barWidth  = 30
)

// watchReplay shows a replay's progress on standard error until it ends, and then
// the replay.
func (s *session) watchReplay(ctx context.Context, id string) error {
	p := progress{w: s.notes, over: isTerminal(s.notes)}
	tick := time.NewTicker(lookEvery)
	defer tick.Stop()
	for {
		r, err := s.api.Replays.Get(ctx, id)
		if err == nil && r.Status != client.ReplayRunning {
			return s.endOfReplay(&p, r)
		}
		if err == nil {
			p.show(r, time.Now())
			select {
			case <-tick.C:
				continue
			case <-ctx.Done():
				err = ctx.Err()
			}
		}
		p.end()
		if ctx.Err() != nil || isAway(&called{err, s.target.url}) {
			s.note("The replay goes on: `postrider replay --watch %s` shows it, `postrider replay --cancel %[1]s` stops it.", id)
		}
		return err
	}
}

func (s *session) endOfReplay(p *progress, r client.Replay) error {
	p.last(r)
	if err := s.showReplay(r, nil); err != nil {
		return err
	}
	if r.Status == client.ReplayCanceled {
		return errSaid
	}
	return nil
}

// progress is a line that is written over on a terminal, and now and then a line
// elsewhere.
type progress struct {
	w     io.Writer
	over  bool
	shown time.Time
}

func (p *progress) show(r client.Replay, now time.Time) {
	switch {
	case p.over:
		fmt.Fprintf(p.w, "\r\x1b[K%s", bar(r))
	case now.Sub(p.shown) >= lineEvery:
		fmt.Fprintln(p.w, bar(r))
	default:
		return
	}
	p.shown = now
}

// last leaves the finished line there.
func (p *progress) last(r client.Replay) {
	if p.over {
		fmt.Fprintf(p.w, "\r\x1b[K%s\n", bar(r))
	} else {
		fmt.Fprintln(p.w, bar(r))
	}
}

// end leaves an unfinished line as it is.
func (p *progress) end() {
	if p.over && !p.shown.IsZero() {
		fmt.Fprintln(p.w)
	}
}

// bar is how far a replay is, how fast, and how long it takes yet.
func bar(r client.Replay) string {
	share := 1.0
	if r.Total > 0 {
		share = min(float64(r.Done)/float64(r.Total), 1)
	}
	full := int(share * barWidth)
	line := fmt.Sprintf("[%s%s] %3.0f%%  %d/%d", strings.Repeat("=", full), strings.Repeat(" ", barWidth-full), 100*share, r.Done, r.Total)
	if r.RatePerSecond != nil {
		line += fmt.Sprintf("  %.0f/s", *r.RatePerSecond)
	}
	if r.RemainingSeconds != nil && r.Status == client.ReplayRunning {
		line += "  " + seconds(int(*r.RemainingSeconds)) + " left"
	}
	if r.Status != client.ReplayRunning {
		line += "  " + clean(string(r.Status))
	}
	return line
}
