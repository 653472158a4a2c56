package deliver

import (
	"context"
	"maps"
	"sync"
	"time"

	"github.com/postrider/postrider/internal/webhook"
)

// failing knows the endpoints with a run of failures, so that a success is told
// to Postgres only where it ends one. All workers' failures count: the set is
// read every second, and a breaker takes far longer to open.
type failing struct {
	mu    sync.Mutex
	set   map[webhook.ID]bool
	added map[webhook.ID]bool // since the reading that is under way began
	// Endpoints with a success that was not told, since the last reading began and
	// since the one before: a run that another worker saw begin may be older.
	untold, before map[webhook.ID]bool
}

// ends says whether a success ends a run, as far as is known yet.
func (f *failing) ends(id webhook.ID) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.set[id] {
		return true
	}
	if f.untold == nil {
		f.untold = make(map[webhook.ID]bool)
	}
	f.untold[id] = true
	return false
}

// add is called before a failure is recorded and again once it was: a reading that
// began in between may not have it, and one that begins afterwards does.
func (f *failing) add(id webhook.ID) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, set := range []*map[webhook.ID]bool{&f.set, &f.added} {
		if *set == nil {
			*set = make(map[webhook.ID]bool)
		}
		(*set)[id] = true
	}
}

// begin is before the set is read.
func (f *failing) begin() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.added = nil
	f.before, f.untold = f.untold, nil
}

// replace returns the new ones that had a success which was not told.
func (f *failing) replace(ids []webhook.ID) (missed []webhook.ID) {
	set := make(map[webhook.ID]bool, len(ids))
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, id := range ids {
		set[id] = true
		if !f.set[id] && (f.before[id] || f.untold[id]) {
			missed = append(missed, id)
		}
	}
	maps.Copy(set, f.added)
	f.set = set
	return missed
}

// refreshFailing reads the set anew; what this worker added meanwhile stays until
// the next time, when Postgres has it.
func (r *Runner) refreshFailing() {
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	r.failing.begin()
	ids, err := r.Outcomes.Failing(ctx)
	if err != nil {
		r.cfg.Logger.Debug("failing endpoints not read", "error", err)
		return
	}
	if missed := r.failing.replace(ids); len(missed) > 0 {
		if err := r.Outcomes.EndRuns(ctx, missed); err != nil {
			r.cfg.Logger.Warn("runs of failures that a success ended go on", "error", err)
		}
	}
}
