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
	if st == nil || st.Task != m.task { // what has ended has none
		r.metrics.dropped.Inc()
		return false
	}
	if st.Waits {
		m.wait(ctx)
		return false
	}
	m.standing, m.probe = st, isProbe(m.DeliveryID, st)
	return !m.heldMeanwhile(ctx)
}

// heldMeanwhile sets a member aside whose endpoint was deleted, disabled or found
// failing while it waited: its attempt would be one too many. One whose endpoint was
// changed goes back, too: it would be made to what the endpoint was.
func (m *member) heldMeanwhile(ctx context.Context) bool {
	hold, held := holdOf(m.Member, m.task, m.standing)
	switch {
	case m.standing.EndpointDeleted: // which the next who takes it writes down
		m.giveBack(ctx)
	case held:
		m.parkFor(ctx, hold)
	case m.standing.EndpointVersion > m.target.Version:
		m.giveBack(ctx)
	default:
		return false
	}
	return true
}

// holdOf is what keeps a delivery from being tried.
func holdOf(m webhook.Member, task string, st *webhook.Standing) (webhook.Hold, bool) {
	h := webhook.Hold{Delivery: m, Task: task}
	switch {
	case !st.EndpointActive:
		h.Reason = webhook.HeldEndpointDisabled
	case st.BreakerOpen && !isProbe(m.DeliveryID, st):
		h.Reason, h.For = webhook.HeldBreakerOpen, st.OpenFor
		if h.For <= 0 {
			h.For = time.Second
		}
	}
	return h, h.Reason != ""
}

func isProbe(id webhook.ID, st *webhook.Standing) bool { return st.BreakerOpen && st.ProbeID == id }

// beginsProbe is false for a probe that waited so long that another is out.
func (m *member) beginsProbe(ctx context.Context) bool {
	limited, cancel := context.WithTimeout(ctx, asideTimeout)
	defer cancel()
	still, err := m.run.r.Rows.BeginProbe(limited, m.Member)
	if err != nil {
		m.run.r.cfg.Logger.Warn("a probe is not made: whether it is one can't be read", "error", err)
		m.giveBack(ctx)
	} else if !still {
		m.parkFor(ctx, webhook.Hold{Delivery: m.Member, Task: m.task, Reason: webhook.HeldBreakerOpen, For: time.Second})
	}
	return still
}
