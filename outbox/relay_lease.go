package outbox

import (
	"context"
	"sync"
	"time"
)

// The lease is a row and no lock of a session or transaction: it holds through
// PgBouncer's transaction mode, keeps no transaction open while a request is made, and
// runs out by itself where a connection hangs half open. It goes by Postgres's clock.

// claim takes the lease, or makes it longer; false while another relay has it.
func (r *Relay) claim(ctx context.Context) (bool, error) {
	ctx, cancel := context.WithTimeout(ctx, statementTimeout)
	defer cancel()
	tag, err := r.pool.Exec(ctx, r.table.sql(`
		UPDATE {relay} SET holder = $1, listening = $2, expires_at = clock_timestamp() + make_interval(secs => $3)
		WHERE holder = $1 OR expires_at <= clock_timestamp()`), r.name, !r.cfg.PollOnly, r.cfg.Lease.Seconds())
	if err != nil {
		return false, r.table.explained(err)
	}
	return tag.RowsAffected() == 1, nil
}

// statementTimeout: a Postgres that hangs is as good as one that is away.
const statementTimeout = 30 * time.Second

// lead works for as long as the lease is this relay's.
func (r *Relay) lead(parent context.Context) {
	ctx, stop := context.WithCancel(parent)
	var keeper sync.WaitGroup
	keeper.Go(func() {
		defer stop()
		r.keep(ctx)
	})
	r.at(stepLeads)
	r.work(ctx)
	stop()
	keeper.Wait()
	r.release(parent)
}

// keep renews the lease until another relay has it or ctx ends. While Postgres is away
// nobody else gets it either.
func (r *Relay) keep(ctx context.Context) {
	tick := time.NewTicker(max(r.cfg.Lease/3, time.Millisecond))
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		if leads, err := r.claim(ctx); err == nil && !leads {
			return
		}
	}
}

// release lets the next relay go on at once, also where ctx has ended: that is when it
// matters. Without it the lease runs out.
func (r *Relay) release(ctx context.Context) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 2*time.Second)
	defer cancel()
	_, err := r.pool.Exec(ctx, r.table.sql("UPDATE {relay} SET expires_at = '-infinity', listening = false WHERE holder = $1"), r.name)
	if err != nil {
		r.cfg.Logger.DebugContext(ctx, "outbox: the lease runs out by itself", "error", err)
	}
}
