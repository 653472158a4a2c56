// Package live shows what happens in a workspace as it happens: its events as they
// are accepted, of which none is lost however slowly they are read, and its attempts
// as they are recorded. While nobody watches a workspace, nothing is asked about it.
package live

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promauto"

	"github.com/postrider/postrider/internal/webhook"
)

// Events reads accepted events.
type Events interface {
	// Settled is the position that nothing comes in before any more.
	Settled(ctx context.Context) (webhook.ID, error)
	// After returns what is behind a position, oldest first, n at most. The zero id as
	// the other bound is none.
	After(ctx context.Context, ws webhook.WorkspaceID, after, until webhook.ID, n int) ([]webhook.EventHead, error)
	// Events returns events with their bodies, oldest first; those that are not kept
	// any more are missing.
	Events(ctx context.Context, ws webhook.WorkspaceID, ids []webhook.ID) ([]webhook.Event, error)
}

// Attempts tells of attempts.
type Attempts interface {
	// Watch tells of a workspace's until ctx ends, and when it could not.
	Watch(ctx context.Context, ws webhook.WorkspaceID, tell func(webhook.LiveAttempts))
}

// Config of a Hub; zero values are defaults.
type Config struct {
	// MaxStreams are open at once. Default 256.
	MaxStreams int
	// MaxPerOwner are one owner's. Default 32.
	MaxPerOwner int
	// PollEvery is how often a watched workspace's events are looked at. Default 250ms.
	PollEvery time.Duration
	// MaxWindow is how many events that may not be all yet are kept in mind for a
	// workspace. While there are more, its streams are that much behind. Default 20000.
	MaxWindow int
	// Stopping is closed when the process is about to stop: streams end. Default never.
	Stopping   <-chan struct{}
	Logger     *slog.Logger // default: discards
	Registerer prometheus.Registerer
}

func (c Config) withDefaults() Config {
	if c.MaxStreams <= 0 {
		c.MaxStreams = 256
	}
	if c.MaxPerOwner <= 0 {
		c.MaxPerOwner = 32
	}
	if c.PollEvery <= 0 {
		c.PollEvery = 250 * time.Millisecond
	}
	if c.MaxWindow <= 0 {
		c.MaxWindow = 20_000
	}
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	return c
}

// Hub is where streams are opened. Make it with New; Stop it.
type Hub struct {
	events  Events
	cfg     Config
	windows sharing[*window]
	fans    sharing[*fan]
	open    prometheus.Gauge

	mu     sync.Mutex
	owners map[string]int
	total  int
}

// New makes one.
func New(events Events, attempts Attempts, cfg Config) *Hub {
	cfg, events = cfg.withDefaults(), newPlaces(events)
	h := &Hub{
		events: events, cfg: cfg, owners: make(map[string]int),
		open: promauto.With(cfg.Registerer).NewGauge(prometheus.GaugeOpts{
			Name: "postrider_live_streams", Help: "Streams of what happens in a workspace that are open.",
		}),
	}
	h.windows.begin = func(ctx context.Context, ws webhook.WorkspaceID) (*window, func()) {
		w := newWindow(ws, events, &h.cfg)
		return w, func() { w.run(ctx) }
	}
	h.fans.begin = func(ctx context.Context, ws webhook.WorkspaceID) (*fan, func()) {
		f := newFan()
		return f, func() { attempts.Watch(ctx, ws, f.tell) }
	}
	return h
}

// Stop ends what runs for streams that are still open, and waits for it.
func (h *Hub) Stop() {
	h.windows.stop()
	h.fans.stop()
}

// Query is what to show.
type Query struct {
	Workspace webhook.WorkspaceID
	// Owner is who has the stream: nobody may have too many.
	Owner string
	// Events and Attempts are the kinds to show.
	Events, Attempts bool
	// Types are shown only, unless it is nil.
	Types webhook.Interest
	// Endpoint is whose attempts, and events, are shown only, unless it is zero.
	Endpoint webhook.ID
	// Wants is what the endpoint subscribed to.
	Wants webhook.Interest
	// After is the position that events are shown behind. Zero is those that are
	// accepted from now on.
	After webhook.ID
}

// Open opens a stream; Close it. The error is a [webhook.Error]: there are too
// many, or the process is about to stop.
func (h *Hub) Open(q *Query) (*Stream, error) {
	select {
	case <-h.cfg.Stopping:
		return nil, &webhook.Error{Code: webhook.CodeUnavailable, RetryAfter: time.Second, Detail: ErrStopping.Error()}
	default:
	}
	if err := h.enter(q.Owner); err != nil {
		return nil, err
	}
	s := &Stream{query: *q, hub: h, position: q.After, fresh: q.After.IsZero(), sent: make(map[webhook.ID]struct{})}
	if q.Events {
		s.window, s.leaveWindow = h.windows.use(q.Workspace)
	}
	if q.Attempts {
		s.fan, s.leaveFan = h.fans.use(q.Workspace)
		s.attempts = s.fan.join()
	}
	return s, nil
}

func (h *Hub) enter(owner string) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.owners[owner] >= h.cfg.MaxPerOwner {
		return &webhook.Error{Code: webhook.CodeRateLimited, RetryAfter: retryFull, Detail: "this key has as many streams open at this process as it may: close one"}
	}
	if h.total >= h.cfg.MaxStreams {
		return &webhook.Error{Code: webhook.CodeUnavailable, RetryAfter: retryFull, Detail: "this process has as many streams open as it can hold"}
	}
	h.owners[owner]++
	h.total++
	h.open.Inc()
	return nil
}

// retryFull is when there may be room for another stream.
const retryFull = 5 * time.Second

func (h *Hub) leave(owner string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.owners[owner]--; h.owners[owner] == 0 {
		delete(h.owners, owner)
	}
	h.total--
	h.open.Dec()
}
