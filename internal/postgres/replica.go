package postgres

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/prometheus/client_golang/prometheus"
)

const (
	// followEvery is how often it is measured how far a replica is.
	followEvery = 500 * time.Millisecond
	// askTimeout bounds a question to a server.
	askTimeout = 2 * time.Second
	// mostMarks is how far back a lag can be told: ten minutes.
	mostMarks = int(10 * time.Minute / followEvery)
)

// ReplicaConfig of a Replica.
type ReplicaConfig struct {
	// MaxLag is how far behind it may be for lists to be read from it. Default 5s.
	MaxLag time.Duration
	// Patience is how long a list may take before the primary is asked. Default 5s: what
	// is lost on the way there is noticed by then.
	Patience time.Duration
	// MaxConns bounds its pool. Default 10.
	MaxConns int32
	// ApplicationName is what pg_stat_activity shows. Default "postrider".
	ApplicationName string
	Logger          *slog.Logger          // default nobody
	Registerer      prometheus.Registerer // default none
	// Now is the process's clock, which the times of WithSeen are of. Default time.Now.
	Now func() time.Time
}

// Replica is a standby that lists are read from while it is near enough to the
// primary. How near is measured by the log of changes and not by its clock: what was
// in the primary's log at a moment, and has been replayed, is what it knows that
// moment by. So an idle primary makes no lag, and a replica whose connection to it
// broke does.
type Replica struct {
	primary, db *DB
	cfg         ReplicaConfig
	metrics     *replicaMetrics

	// knows is the moment up to which it has all that was committed, in unix
	// nanoseconds; 0 is none.
	knows atomic.Int64
	// The follower's own: the primary's system identifier, its marks, oldest first, and
	// whether lists were read from the replica when that was said last.
	server int64
	marks  []mark
	used   bool

	cancel context.CancelFunc
	done   sync.WaitGroup
}

// mark is where the primary's log was at a moment.
type mark struct {
	at       time.Time
	position int64
}

// NewReplica makes lists of db be read from the replica that url leads to. It does
// not connect, and nothing is read from it before Start.
func NewReplica(ctx context.Context, db *DB, url string, cfg ReplicaConfig) (*Replica, error) {
	if cfg.MaxLag <= 0 {
		cfg.MaxLag = 5 * time.Second
	}
	if cfg.Patience <= 0 {
		cfg.Patience = 5 * time.Second
	}
	if cfg.Logger == nil {
		cfg.Logger = slog.New(slog.DiscardHandler)
	}
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	own, err := open(ctx, Config{URL: url, MaxConns: cfg.MaxConns, ApplicationName: cfg.ApplicationName}, standbyToo)
	if err != nil {
		return nil, fmt.Errorf("postgres.replica_url: %w", err)
	}
	r := &Replica{primary: db, db: own, cfg: cfg}
	r.metrics = newReplicaMetrics(cfg.Registerer, r.lag)
	db.replica = r
	return r, nil
}

// Start begins to follow the replica.
func (r *Replica) Start() {
	ctx, cancel := context.WithCancel(context.Background())
	r.cancel = cancel
	r.done.Go(func() { r.follow(ctx) })
}

// Stop ends that. Lists are the primary's then.
func (r *Replica) Stop() {
	if r.cancel != nil {
		r.cancel()
	}
	r.done.Wait()
	r.knows.Store(0)
}

// Close ends every connection, waiting for those in use.
func (r *Replica) Close() { r.db.Close() }

func (r *Replica) follow(ctx context.Context) {
	tick := time.NewTicker(followEvery)
	defer tick.Stop()
	for {
		err := r.Look(ctx)
		if ctx.Err() != nil {
			return
		}
		r.say(err)
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

// say logs when lists begin to be read from it, and when they stop.
func (r *Replica) say(err error) {
	if err == nil {
		err = r.Check(context.Background())
	}
	switch used := err == nil; {
	case used == r.used:
	case used:
		r.used = true
		r.cfg.Logger.Info("lists are read from the replica", "lag", r.lag())
	default:
		r.used = false
		r.cfg.Logger.Warn("lists are read from the primary", "reason", err)
	}
}

// Look measures how far the replica is.
func (r *Replica) Look(ctx context.Context) error {
	// With the primary away there is no new mark, and the replica grows old with it.
	at := r.cfg.Now()
	if log, err := soon(ctx, r.primary.q.WALPosition); err == nil {
		r.server = log.Server
		r.marks = append(r.marks, mark{at, log.Position})
		r.marks = r.marks[max(0, len(r.marks)-mostMarks):]
	}
	replay, err := soon(ctx, r.db.q.ReplayPosition)
	switch {
	case err != nil:
		err = fmt.Errorf("ask the replica how far it is: %w", available(err))
	case replay.Position == 0:
		err = errNoStandby
	case r.server != 0 && replay.Server != r.server: // whose data would be shown
		err = errOthersReplica
	}
	if err != nil {
		r.knows.Store(0)
		return err
	}
	known := -1
	for i, m := range r.marks {
		if m.position <= replay.Position {
			known = i
		}
	}
	if known >= 0 {
		r.marks = r.marks[known:]
		r.knows.Store(r.marks[0].at.UnixNano())
	}
	return nil
}

var (
	errNoStandby     = errors.New("it leads to a server that is no standby")
	errOthersReplica = errors.New("it leads to a replica of another server")
)

// soon asks with a time limit.
func soon[T any](ctx context.Context, ask func(context.Context) (T, error)) (T, error) {
	ctx, cancel := context.WithTimeout(ctx, askTimeout)
	defer cancel()
	return ask(ctx)
}

// lag is how old what it knows is; -1 while that is not known.
func (r *Replica) lag() time.Duration {
	knows := r.knows.Load()
	if knows == 0 {
		return -1
	}
	return r.cfg.Now().Sub(time.Unix(0, knows))
}

// CheckNow is Check after as long as it takes to know.
func (r *Replica) CheckNow(ctx context.Context) error {
	tick := time.NewTicker(followEvery)
	defer tick.Stop()
	for {
		err := r.Look(ctx)
		if err != nil || r.Check(ctx) == nil {
			return err
		}
		select {
		case <-ctx.Done():
			return r.Check(ctx)
		case <-tick.C:
		}
	}
}

// Check is an error while lists are read from the primary for the replica's sake.
func (r *Replica) Check(context.Context) error {
	switch lag := r.lag(); {
	case lag < 0:
		return errors.New("the replica can't be asked, or was not caught up since this process began")
	case lag > r.cfg.MaxLag:
		return fmt.Errorf("the replica is %s behind, more than postgres.replica_max_lag", lag.Round(time.Millisecond))
	}
	return nil
}

// standbyToo is for a connection that nothing is written on.
func standbyToo(*DB, *pgx.ConnConfig) {}
