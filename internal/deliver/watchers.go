package deliver

import "github.com/postrider/postrider/internal/webhook"

// nobody watches.
type nobody struct{}

func (nobody) Watched(webhook.WorkspaceID) bool              { return false }
func (nobody) Tell(webhook.WorkspaceID, webhook.LiveAttempt) {}

// tell tells those who watch of an attempt that was recorded, and of the one before
// it under the same number.
func (m *member) tell(o *webhook.Outcome, v verdict) {
	w := m.run.r.cfg.Watchers
	if v.lost || !w.Watched(m.WorkspaceID) {
		return
	}
	if o.Refused != nil {
		w.Tell(m.WorkspaceID, m.liveAttempt(o.Refused))
	}
	a := m.liveAttempt(&o.Attempt)
	if v.decided {
		a.Status = o.Status
		if o.Status == webhook.StatusPending {
			a.NextAttemptAt = m.run.r.cfg.Now().Add(o.Delay)
		}
	}
	w.Tell(m.WorkspaceID, a)
}

func (m *member) liveAttempt(a *webhook.Attempt) webhook.LiveAttempt {
	return webhook.LiveAttempt{
		ID: a.ID, DeliveryID: m.DeliveryID, EndpointID: m.EndpointID, EventID: m.event.PublicID, EventType: m.event.Type,
		Number: m.standing.Attempts + 1, StartedAt: a.StartedAt, Duration: a.Duration,
		StatusCode: a.StatusCode, Error: a.Error, ErrorClass: a.ErrorClass,
	}
}
