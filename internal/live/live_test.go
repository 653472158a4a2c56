package live

import (
	"context"
	"errors"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/postrider/postrider/internal/webhook"
)

// log is a workspace's events as they commit.
type log struct {
	mu     sync.Mutex
	events []webhook.Event
	lag    time.Duration // nothing that is older comes in
	away   error
	asked  int

	reading, most int // at once
	slow          time.Duration
}

func (l *log) commit(id webhook.ID, size int) webhook.ID {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.events = append(l.events, webhook.Event{ID: id, Type: "a", Body: make([]byte, size)})
	slices.SortFunc(l.events, func(a, b webhook.Event) int { return compare(a.ID, b.ID) })
	return id
}

func (l *log) Settled(context.Context) (webhook.ID, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.asked++
	return webhook.FirstID(time.Now().Add(-l.lag)), l.away
}

func (l *log) After(_ context.Context, _ webhook.WorkspaceID, after, until webhook.ID, n int) (out []webhook.EventHead, err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, e := range l.events {
		if compare(e.ID, after) > 0 && (until.IsZero() || compare(e.ID, until) < 0) && len(out) < n {
			out = append(out, webhook.EventHead{ID: e.ID, Type: e.Type, Size: int64(len(e.Body))})
		}
	}
	return out, l.away
}

func (l *log) Events(_ context.Context, _ webhook.WorkspaceID, ids []webhook.ID) (out []webhook.Event, err error) {
	l.mu.Lock()
	l.reading++
	l.most = max(l.most, l.reading)
	l.mu.Unlock()
	pass(l.slow)
	l.mu.Lock()
	defer l.mu.Unlock()
	l.reading--
	for _, e := range l.events {
		if slices.Contains(ids, e.ID) {
			out = append(out, e)
		}
	}
	return out, l.away
}

func (l *log) Watch(ctx context.Context, _ webhook.WorkspaceID, _ func(webhook.LiveAttempts)) {
	<-ctx.Done()
}

// bubble has a hub in which time is the test's.
func bubble(t *testing.T, cfg Config, test func(t *testing.T, l *log, h *Hub)) {
	t.Helper()
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		l := &log{lag: 5 * time.Second}
		h := New(l, l, cfg)
		defer h.Stop()
		test(t, l, h)
	})
}

func open(t *testing.T, h *Hub, q Query) *Stream {
	t.Helper()
	q.Workspace, q.Events = "w", true
	s, err := h.Open(&q)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	if m, err := s.Next(t.Context()); err != nil || m.Event != nil || m.Position.IsZero() {
		t.Fatalf("begins with %+v, %v", m, err)
	}
	return s
}

// read is the events that come within a minute, and the last position.
func read(t *testing.T, s *Stream) (ids []webhook.ID, last webhook.ID) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	last = s.Position()
	for {
		m, err := s.Next(ctx)
		if err != nil {
			return ids, last
		}
		if compare(m.Position, last) < 0 {
			t.Errorf("the position went back from %s to %s", last, m.Position)
		}
		last = m.Position
		if m.Event != nil {
			ids = append(ids, m.Event.ID)
		}
	}
}

func same(t *testing.T, got []webhook.ID, want ...webhook.ID) {
	t.Helper()
	slices.SortFunc(got, compare)
	slices.SortFunc(want, compare)
	if !slices.Equal(got, want) {
		t.Errorf("shows %d events, want %d:\n%v\n%v", len(got), len(want), got, want)
	}
}

func TestStreamsEvents(t *testing.T) {
	t.Parallel()

	t.Run("ThatCommitInAnotherOrderThanThatOfTheirIDs", func(t *testing.T) {
		bubble(t, Config{}, func(t *testing.T, l *log, h *Hub) {
			l.commit(webhook.NewID(time.Now()), 1) // before it was opened
			s := open(t, h, Query{})
			early := webhook.NewID(time.Now())
			pass(3 * time.Second)
			late := l.commit(webhook.NewID(time.Now()), 1)
			pass(time.Second)
			l.commit(early, 1)
			got, last := read(t, s)
			if same(t, got, early, late); compare(last, late) > 0 || len(got) == 2 && got[0] != early {
				t.Errorf("at %s", last)
			}
		})
	})

	t.Run("FromEveryPositionThatWasGivenAllThatCameLater", func(t *testing.T) {
		bubble(t, Config{PollEvery: 100 * time.Millisecond}, func(t *testing.T, l *log, h *Hub) {
			s := open(t, h, Query{})
			at := map[webhook.ID]int{s.Position(): 0} // how many were shown by then
			var shown []webhook.ID
			var held []webhook.ID
			for i := range 60 {
				pass(200 * time.Millisecond)
				id := webhook.NewID(time.Now())
				if i%3 == 0 {
					held = append(held, id) // commits later
				} else {
					l.commit(id, 1)
				}
				if i%10 == 9 {
					for _, id := range held {
						l.commit(id, 1)
					}
					held = nil
				}
				ctx, cancel := context.WithTimeout(t.Context(), 150*time.Millisecond)
				for {
					m, err := s.Next(ctx)
					if err != nil {
						break
					}
					shown = append(shown, m.Event.ID)
					at[m.Position] = len(shown)
				}
				cancel()
			}
			rest, _ := read(t, s)
			shown = append(shown, rest...)
			same(t, slices.Clone(shown), idsOf(l)...)
			for position, n := range at {
				resumed := open(t, h, Query{After: position, Owner: position.String()})
				got, _ := read(t, resumed)
				for _, id := range shown[n:] {
					if !slices.Contains(got, id) {
						t.Errorf("behind %s, given after %d, %s is missing", position, n, id)
					}
				}
			}
		})
	})

	// It is behind by more than a page, and by more than it may hold.
	t.Run("ThatItIsFarBehindWith", func(t *testing.T) {
		bubble(t, Config{MaxWindow: 50}, func(t *testing.T, l *log, h *Hub) {
			s := open(t, h, Query{})
			var want []webhook.ID
			for range 2500 {
				pass(10 * time.Millisecond)
				want = append(want, l.commit(webhook.NewID(time.Now()), 30<<10))
			}
			got, _ := read(t, s)
			same(t, got, want...)
			if cap(s.ready) > maxBodies || len(s.sent) > 0 {
				t.Errorf("holds %d bodies and %d ids", cap(s.ready), len(s.sent))
			}
		})
	})

	t.Run("ThatAreMoreAtOnceThanItMayHold", func(t *testing.T) {
		bubble(t, Config{MaxWindow: 50}, func(t *testing.T, l *log, h *Hub) {
			s := open(t, h, Query{})
			var want []webhook.ID
			for range 220 {
				want = append(want, l.commit(webhook.NewID(time.Now()), 1))
			}
			got, _ := read(t, s)
			same(t, got, want...)
		})
	})

	t.Run("OnceTheyCanBeRead", func(t *testing.T) {
		bubble(t, Config{}, func(t *testing.T, l *log, h *Hub) {
			s := open(t, h, Query{})
			l.mu.Lock()
			l.away = errors.New("away")
			l.mu.Unlock()
			id := l.commit(webhook.NewID(time.Now()), 1)
			got, _ := read(t, s)
			same(t, got)
			l.mu.Lock()
			l.away = nil
			l.mu.Unlock()
			got, _ = read(t, s)
			same(t, got, id)
		})
	})

	// Somebody who asks for the next one waits a moment only, as for a sign of life.
	t.Run("ThatTakeLongToBeRead", func(t *testing.T) {
		bubble(t, Config{}, func(t *testing.T, l *log, h *Hub) {
			l.slow = 4 * time.Second
			s := open(t, h, Query{})
			id := l.commit(webhook.NewID(time.Now()), 1)
			for n := 0; ; n++ {
				ctx, cancel := context.WithTimeout(t.Context(), time.Second)
				m, err := s.Next(ctx)
				cancel()
				if err == nil && m.Event.ID == id {
					break
				}
				if n > 20 {
					t.Fatal("it never comes")
				}
			}
		})
	})

	t.Run("OfManyReadersAFewAtATime", func(t *testing.T) {
		bubble(t, Config{}, func(t *testing.T, l *log, h *Hub) {
			l.slow = 10 * time.Millisecond
			var all sync.WaitGroup
			for range 20 {
				s := open(t, h, Query{})
				all.Go(func() {
					if got, _ := read(t, s); len(got) != 1 {
						t.Errorf("shows %d", len(got))
					}
				})
			}
			l.commit(webhook.NewID(time.Now()), 1)
			all.Wait()
			if l.most != maxReads {
				t.Errorf("%d reads at once", l.most)
			}
		})
	})

	t.Run("AndAsksNothingWhileNobodyWatches", func(t *testing.T) {
		bubble(t, Config{}, func(t *testing.T, l *log, h *Hub) {
			pass(time.Minute)
			before := l.asked
			s, err := h.Open(&Query{Workspace: "w", Events: true})
			if err != nil {
				t.Fatal(err)
			}
			pass(time.Second)
			s.Close()
			synctest.Wait()
			during := l.asked
			pass(time.Minute)
			if before != 0 || during == 0 || l.asked != during {
				t.Errorf("asked %d times before, %d times by the end, %d later", before, during, l.asked)
			}
		})
	})
}

func idsOf(l *log) (out []webhook.ID) {
	for _, e := range l.events {
		out = append(out, e.ID)
	}
	return out
}

func TestSlowReadersGetAGapAndSlowNobody(t *testing.T) {
	t.Parallel()
	f := newFan()
	slow, quick := f.join(), f.join()
	const all = 3 * maxBuffered
	for n := range all {
		f.tell(webhook.LiveAttempts{Attempts: []webhook.LiveAttempt{{Number: n}}})
		if a, gap := quick.take(); gap != nil || a == nil || a.Number != n {
			t.Fatalf("the quick one gets %v, %v for %d", a, gap, n)
		}
	}
	shown, gaps := 0, 0
	for a, gap := slow.take(); a != nil || gap != nil; a, gap = slow.take() {
		switch {
		case a != nil && a.Number == shown:
			shown++
		case gap != nil && gaps == 0 && gap.LeftOut == all-maxBuffered && !gap.Unknown && shown == maxBuffered:
			gaps++
		default:
			t.Errorf("after %d: %v, %v", shown, a, gap)
		}
	}
	if gaps != 1 {
		t.Errorf("%d gaps after %d", gaps, shown)
	}
	f.tell(webhook.LiveAttempts{Attempts: []webhook.LiveAttempt{{Number: all}}})
	if a, gap := slow.take(); gap != nil || a == nil || a.Number != all {
		t.Errorf("goes on with %v, %v", a, gap)
	}
}

// pass lets the bubble's time go on.
func pass(d time.Duration) { <-time.After(d) }
