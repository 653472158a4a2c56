package deliver

import (
	"context"
	"time"

	"github.com/postrider/postrider/internal/webhook"
)

// guardHolds is for how long Postgres's answer about a chunk may be relied upon.
// The scheduler takes a task back 11 s after its lease was extended, which asynq
// does every 5 s: what was this task's when Postgres was asked is so for 6 s more.
const guardHolds = 5 * time.Second

// stillHeld asks once more about a member that waited long. A worker that was
// paused, or cut off from Redis, finds here that others have its deliveries, and
// makes no request again but those that it had begun.
func (m *member) stillHeld(ctx context.Context) bool {
	r := m.run.r
	if r.cfg.Now().Sub(m.run.asked) < guardHolds {
		return true
	}
	limited, cancel := context.WithTimeout(ctx, asideTimeout)
	defer cancel()
	standing, err := r.Rows.Guard(limited, []webhook.Member{m.Member})
	if err != nil {
		r.cfg.Logger.Warn("a delivery that waited is not tried: who has it can't be read", "error", err)
		m.giveBack(ctx)
		return false
	}
	st := standing[m.DeliveryID]
	if st.Task != m.task { // what has ended has none
		r.metrics.dropped.Inc()
		return false
	}
	if st.Waits {
		m.wait(ctx)
		return false
	}
	m.standing = st
	return true
}
