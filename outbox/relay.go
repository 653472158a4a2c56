package outbox

import (
	"context"
	"crypto/rand"
	"errors"
	"log/slog"
	mrand "math/rand/v2"
	"sync"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/postrider/postrider/client"
)

// Sender publishes batches: a *client.Client.
type Sender interface {
	DispatchBatch(ctx context.Context, events []client.NewEvent) ([]client.Accepted, error)
}

var _ Sender = (*client.Client)(nil)

// Config is what a relay may be told. Its zero value is good for most.
type Config struct {
	// Table is where events wait. Default [DefaultTable].
	Table Table
	// Logger is told of outages and of refused events. Default nobody.
	Logger *slog.Logger
	// BatchSize is how many events go in one request. Default 100, at most 1000.
	BatchSize int
	// Poll is how long an event waits at most while nothing else does and no
	// notification comes. Default 1s.
	Poll time.Duration
	// PollOnly listens for no notifications, and lets Dispatch make none: where commits are
	// so many that Postgres's one queue of notifications holds them up.
	PollOnly bool
	// ListenURL leads to the same database past a pooler in transaction mode, such as
	// PgBouncer, that the pool leads through: notifications come to a session, and nobody
	// has one there. Default where the pool leads; through a pooler the relay polls.
	ListenURL string
	// Lease is how long a relay that died keeps others from going on. Default 10s.
	Lease time.Duration
}

func (c Config) withDefaults() Config {
	if c.Table == "" {
		c.Table = DefaultTable
	}
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	if c.BatchSize <= 0 {
		c.BatchSize = 100
	}
	c.BatchSize = min(c.BatchSize, 1000)
	if c.Poll <= 0 {
		c.Poll = time.Second
	}
	if c.Lease <= 0 {
		c.Lease = 10 * time.Second
	}
	return c
}

// Relay sends what committed. Run as many as you like, as one in each process that
// publishes: one of them works, another takes over when that one ends.
//
// That is to spare work, and nothing rests on it. A relay sends the lowest numbers that
// it sees, in order, and nothing further until those are accepted or set aside. So
// whatever a second one sends at the same time, or one that was paused sends late,
// Postrider knows already, by its ids.
type Relay struct {
	pool   *pgxpool.Pool
	sender Sender
	cfg    Config
	table  Table
	name   string        // its own in the lease
	wake   chan struct{} // look again
	at     func(step)    // for tests: told of each step
}

// step is a moment that a relay may be killed at.
type step string

const (
	stepLeads    step = "leads"     // it has the lease
	stepRead     step = "read"      // it has read a batch
	stepAnswered step = "answered"  // the API has answered
	stepSetAside step = "set aside" // what was refused is, the rest is not sent yet
	stepRemoved  step = "removed"   // what was sent is deleted
)

// NewRelay makes a relay, which does nothing until Run. The client's key says which
// workspace the events are for.
func NewRelay(pool *pgxpool.Pool, sender Sender, cfg Config) *Relay {
	cfg = cfg.withDefaults()
	return &Relay{
		pool: pool, sender: sender, cfg: cfg, table: cfg.Table, name: rand.Text(), wake: make(chan struct{}, 1), at: func(step) {},
	}
}

// Run sends until ctx ends, and returns nil then. It outlives every outage of Postgres
// and of Postrider; its only errors are a table name and a ListenURL that can't be one. It takes a
// connection of the pool for each statement, and has one of its own to listen.
//
// When it ends in the middle of a batch, the next relay sends that again.
func (r *Relay) Run(ctx context.Context) error {
	if err := r.table.check(); err != nil {
		return err
	}
	if _, err := r.listenConfig(); err != nil {
		return err
	}
	var listener sync.WaitGroup
	defer listener.Wait()
	if !r.cfg.PollOnly {
		listener.Go(func() { r.listen(ctx) })
	}
	outage := outage{log: r.cfg.Logger}
	for ctx.Err() == nil {
		leads, err := r.claim(ctx)
		switch {
		case err != nil:
			r.rest(ctx, outage.failed(ctx, err), nil)
		case !leads:
			outage.over(ctx)
			r.rest(ctx, r.cfg.Poll, nil)
		default:
			outage.over(ctx)
			r.lead(ctx)
		}
	}
	return nil
}

// work sends batch after batch until ctx ends.
func (r *Relay) work(ctx context.Context) {
	outage := outage{log: r.cfg.Logger}
	for ctx.Err() == nil {
		more, err := r.runOnce(ctx)
		switch {
		case err != nil:
			r.rest(ctx, outage.failed(ctx, err), nil)
		case more:
			outage.over(ctx)
		default:
			outage.over(ctx)
			r.rest(ctx, r.cfg.Poll, r.wake)
		}
	}
}

// rest waits for d, for wake or for the end of ctx.
func (r *Relay) rest(ctx context.Context, d time.Duration, wake <-chan struct{}) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-wake:
	case <-ctx.Done():
	}
}

// outage says how long to wait after failures in a row, and logs where they begin and
// end.
type outage struct {
	log   *slog.Logger
	tries int
}

const (
	firstPause    = 200 * time.Millisecond
	mostPause     = 10 * time.Second
	maxRetryAfter = time.Minute
)

func (o *outage) failed(ctx context.Context, err error) time.Duration {
	if ctx.Err() == nil {
		level := slog.LevelWarn
		if o.tries > 0 {
			level = slog.LevelDebug
		}
		o.log.Log(ctx, level, "outbox: nothing is sent until this is over", "error", err, "failures", o.tries+1)
	}
	most := min(firstPause<<min(o.tries, 16), mostPause)
	o.tries++
	var answer *client.Error
	asked := time.Duration(0)
	if errors.As(err, &answer) {
		asked = min(answer.RetryAfter, maxRetryAfter)
	}
	// Half of it is chance, so that relays that failed together don't come back together.
	return asked + most/2 + mrand.N(most/2)
}

func (o *outage) over(ctx context.Context) {
	if o.tries > 0 {
		o.log.InfoContext(ctx, "outbox: events are sent again", "failures", o.tries)
	}
	o.tries = 0
}
