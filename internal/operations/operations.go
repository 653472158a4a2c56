// Package operations tells operators what became of endpoints and deliveries: what
// waits in the outbox is published as ordinary events of one workspace, which has
// endpoints like any other. Nobody is told of that workspace's own.
package operations

import (
	"context"
	"log/slog"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promauto"

	"github.com/postrider/postrider/internal/webhook"
)

// Outbox is what waits to be told.
type Outbox interface {
	// Take gives up to limit, the oldest first, to publish and forgets it once
	// that returned nil. It returns how many that were.
	Take(ctx context.Context, limit int, publish func(context.Context, []webhook.Operation) error) (int, error)
	// Drop forgets what is older than before, and all but the newest keep.
	Drop(ctx context.Context, before time.Time, keep int) (int, error)
}

// Accepter stores events, all or none. One whose id was given before is the same
// event, and nothing is sent again.
type Accepter interface {
	Accept(ctx context.Context, ws webhook.WorkspaceID, events []webhook.NewEvent) ([]webhook.Accepted, error)
}

// Config of a Publisher; zero values are defaults.
type Config struct {
	// Logger is where problems go. Default nowhere.
	Logger     *slog.Logger
	Registerer prometheus.Registerer
	Now        func() time.Time
}

// Bounds on what waits: nobody may be there to be told.
const (
	maxAge    = 7 * 24 * time.Hour
	maxKept   = 100_000
	page      = 500
	trimEvery = time.Minute
	warnEvery = 10 * time.Minute
)

// Publisher empties the outbox. Its rounds must not overlap; several processes may
// have one each.
type Publisher struct {
	outbox    Outbox
	accepter  Accepter
	workspace webhook.WorkspaceID
	cfg       Config

	published, dropped prometheus.Counter
	trimmed, warned    time.Time
}

// New makes a Publisher for the workspace that is told. Without one it needs no
// accepter, and only forgets what is left of when there was one.
func New(outbox Outbox, accepter Accepter, workspace webhook.WorkspaceID, cfg Config) *Publisher {
	if cfg.Logger == nil {
		cfg.Logger = slog.New(slog.DiscardHandler)
	}
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	f := promauto.With(cfg.Registerer) // a nil Registerer registers nowhere
	return &Publisher{
		outbox: outbox, accepter: accepter, workspace: workspace, cfg: cfg,
		published: f.NewCounter(prometheus.CounterOpts{
			Name: "postrider_operations_published_events_total", Help: "Operational events published to the operations workspace.",
		}),
		dropped: f.NewCounter(prometheus.CounterOpts{
			Name: "postrider_operations_dropped_events_total",
			Help: "Operational events dropped because they could not be published in time, or were too many.",
		}),
	}
}

// RunOnce publishes all that waits, and forgets what waits for too long.
func (p *Publisher) RunOnce(ctx context.Context) error {
	if err := p.trim(ctx); err != nil || p.workspace == "" {
		return err
	}
	for {
		n, err := p.outbox.Take(ctx, page, p.publish)
		p.published.Add(float64(n))
		if webhook.CodeOf(err) == webhook.CodeNotFound {
			p.missing(ctx)
			return nil
		}
		if err != nil || n < page {
			return err
		}
	}
}

func (p *Publisher) publish(ctx context.Context, operations []webhook.Operation) error {
	events := make([]webhook.NewEvent, 0, len(operations))
	for i := range operations {
		e, err := eventOf(&operations[i])
		if err != nil {
			return err
		}
		events = append(events, e)
	}
	_, err := p.accepter.Accept(ctx, p.workspace, events)
	return err
}

// missing warns once in a while: somebody may be about to create the workspace.
func (p *Publisher) missing(ctx context.Context) {
	now := p.cfg.Now()
	if now.Sub(p.warned) < warnEvery {
		return
	}
	p.warned = now
	p.cfg.Logger.WarnContext(ctx, "operational events wait: the workspace that operations.workspace names does not exist",
		"workspace_id", string(p.workspace))
}

func (p *Publisher) trim(ctx context.Context) error {
	now := p.cfg.Now()
	if now.Sub(p.trimmed) < trimEvery {
		return nil
	}
	n, err := p.outbox.Drop(ctx, now.Add(-maxAge), maxKept)
	p.dropped.Add(float64(n))
	if n > 0 {
		p.cfg.Logger.WarnContext(ctx, "operational events dropped: they are too old or too many", "events", n)
	}
	if err == nil {
		p.trimmed = now
	}
	return err
}
