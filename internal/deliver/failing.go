package deliver

import (
	"context"
	"sync"
	"time"

	"github.com/postrider/postrider/internal/webhook"
)

// failing knows the endpoints with a run of failures, so that a success is told
// to Postgres only where it ends one. All workers' failures count: the set is
// read every second, and a breaker takes far longer to open.
type failing struct {
	mu  sync.Mutex
	set map[webhook.ID]bool
}

func (f *failing) has(id webhook.ID) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.set[id]
}

func (f *failing) add(id webhook.ID) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.set == nil {
		f.set = make(map[webhook.ID]bool)
	}
	f.set[id] = true
}

func (f *failing) replace(ids []webhook.ID) {
	set := make(map[webhook.ID]bool, len(ids))
	for _, id := range ids {
		set[id] = true
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.set = set
}

// refreshFailing reads the set anew; what this worker added since stays until
// the next time, when Postgres has it.
func (r *Runner) refreshFailing() {
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	ids, err := r.Outcomes.Failing(ctx)
	if err != nil {
		r.cfg.Logger.Debug("failing endpoints not read", "error", err)
		return
	}
	r.failing.replace(ids)
}
