package postgres

import (
	"context"
	"errors"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/postrider/postrider/internal/webhook"
)

// listing reads a list from the replica, where there is one that knows enough, and
// else, and where that fails, from the primary. What a change depends on is never
// read so, and nothing that is asked for by its own id: who was told an id finds it.
func (db *DB) listing(ctx context.Context, read func(context.Context, *DB) error) error {
	r := db.replica
	if r == nil {
		return read(ctx, db)
	}
	why := r.fit(ctx)
	if why == readThere {
		err := r.read(ctx, read)
		if err == nil || ctx.Err() != nil {
			r.metrics.reads.WithLabelValues(readThere).Inc()
			return err
		}
		why = r.failed(err)
	}
	r.metrics.reads.WithLabelValues(why).Inc()
	return read(ctx, db)
}

// Where a list was read: from the replica, or from the primary for a reason.
const (
	readThere    = "replica"
	readBehind   = "behind"    // the replica lags, or is away
	readOwnWrite = "own_write" // the caller made a change that the replica may not know
	readConflict = "conflict"  // the replica ended the statement to go on replaying
	readFailed   = "failed"
)

// errBehind is for a list that lacks what the caller knows of.
var errBehind = errors.New("the replica has not replayed all of it yet")

func (r *Replica) fit(ctx context.Context) string {
	knows := r.knows.Load()
	switch {
	case unitOf(ctx) != nil:
		return readOwnWrite
	case knows == 0 || r.lag() > r.cfg.MaxLag:
		return readBehind
	case webhook.Seen(ctx).After(time.Unix(0, knows)):
		return readOwnWrite
	}
	return readThere
}

func (r *Replica) read(ctx context.Context, read func(context.Context, *DB) error) error {
	ctx, cancel := context.WithTimeoutCause(ctx, r.cfg.Patience, errors.New("the replica takes too long"))
	defer cancel()
	return read(ctx, r.db)
}

// failed says what kind of failure it was. What does not pass by itself at once keeps
// the next readers from meeting it too, until it answers a question again.
func (r *Replica) failed(err error) string {
	if errors.Is(err, errBehind) {
		return readBehind
	}
	switch sqlState(err) {
	case "40001", "40P01", "57014":
		return readConflict
	}
	r.knows.Store(0)
	r.cfg.Logger.Warn("a list could not be read from the replica", "error", err)
	return readFailed
}

// replicaMetrics are those of a replica.
type replicaMetrics struct{ reads *prometheus.CounterVec }

func newReplicaMetrics(reg prometheus.Registerer, lag func() time.Duration) *replicaMetrics {
	m := &replicaMetrics{prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "postrider_postgres_list_reads_total",
		Help: "Lists read, by where: from the replica, or from the primary because the replica was behind or away (behind), " +
			"might not know the caller's own change (own_write), ended the statement to go on replaying (conflict) or failed.",
	}, []string{"server"})}
	for _, server := range []string{readThere, readBehind, readOwnWrite, readConflict, readFailed} {
		m.reads.WithLabelValues(server)
	}
	if reg != nil {
		reg.MustRegister(m.reads, prometheus.NewGaugeFunc(prometheus.GaugeOpts{
			Name: "postrider_postgres_replica_lag_seconds",
			Help: "How old what the replica knows is, measured twice a second; -1 while it can't be asked.",
		}, func() float64 {
			if d := lag(); d >= 0 {
				return d.Seconds()
			}
			return -1
		}))
	}
	return m
}
