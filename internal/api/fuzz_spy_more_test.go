package api

import (
	"context"
	"time"

	"github.com/postrider/postrider/internal/live"
	"github.com/postrider/postrider/internal/webhook"
)

type (
	spyReplays     struct{ *spy }
	spyIdempotency struct{ *spy }
	spyAuditLog    struct{ *spy }
	spyExplainer   struct{ *spy }
	spyEventTypes  struct{ *spy }
)

func (s *spy) Diagnose(_ context.Context, ws webhook.WorkspaceID, _ webhook.ID) (webhook.Diagnosis, error) {
	s.write(ws, "endpoints")
	return webhook.Diagnosis{Verdict: webhook.VerdictOK}, nil
}

// Open has no room, else the answer would have no end.
func (s *spy) Open(q *live.Query) (*live.Stream, error) {
	s.in(q.Workspace)
	if !q.Events && !q.Attempts {
		s.bad = append(s.bad, "a stream of nothing")
	}
	return nil, webhook.Errorf(webhook.CodeRateLimited, "no room")
}

// State is of no workspace.
func (s *spy) State(context.Context) (webhook.Queues, error) { return webhook.Queues{}, nil }

func (s spyReplays) Get(_ context.Context, ws webhook.WorkspaceID, _ webhook.ID) (webhook.Replay, error) {
	s.in(ws)
	return webhook.Replay{}, webhook.NotFound("replay")
}

func (s spyReplays) List(_ context.Context, ws webhook.WorkspaceID, p webhook.Page) ([]webhook.Replay, bool, error) {
	s.in(ws)
	s.page(p)
	return nil, false, nil
}

func (s spyReplays) checks(r *webhook.Replay) {
	s.span(r.Since, r.Until)
	s.stores(r.Types...)
	if !r.Since.Before(r.Until) || len(r.Statuses) == 0 && r.DeliveryIDs == nil {
		s.bad = append(s.bad, "a replay of nothing")
	}
}

func (s spyReplays) Count(_ context.Context, r *webhook.Replay, _ webhook.Wants) (int64, error) {
	s.in(r.WorkspaceID)
	s.checks(r)
	return 1, nil
}

func (s spyReplays) Create(_ context.Context, r *webhook.Replay) error {
	scope := "endpoints"
	if r.DeliveryIDs != nil {
		scope = "deliveries"
	}
	s.write(r.WorkspaceID, scope)
	s.checks(r)
	return nil
}

func (s spyReplays) Cancel(_ context.Context, ws webhook.WorkspaceID, id webhook.ID) (webhook.Replay, error) {
	s.write(ws, "deliveries")
	return webhook.Replay{ID: id}, nil
}

func (s spyReplays) ReplayEvent(_ context.Context, r *webhook.Replay, _ string, _ []webhook.ID) error {
	s.write(r.WorkspaceID, "deliveries")
	return nil
}

func (s spyReplays) Endpoints(_ context.Context, ws webhook.WorkspaceID, ids []webhook.ID) ([]webhook.ID, error) {
	s.in(ws)
	return ids, nil
}

// Chosen has all of them.
func (s spyReplays) Chosen(_ context.Context, ws webhook.WorkspaceID, ids []webhook.ID) ([]webhook.Chosen, error) {
	s.in(ws)
	out := make([]webhook.Chosen, len(ids))
	for i, id := range ids {
		out[i] = webhook.Chosen{ID: id, EventID: id, EndpointID: id, Again: true}
	}
	return out, nil
}

func (s spyReplays) Subscribed(_ context.Context, ws webhook.WorkspaceID) ([]webhook.Endpoint, error) {
	s.in(ws)
	return nil, nil
}

// A claim is no effect of its own: the handler's is what counts.
func (s spyIdempotency) Claim(_ context.Context, k webhook.IdempotencyKey, _ []byte, now time.Time, _ time.Duration) (webhook.Claim, error) {
	s.stores(k.Route, k.Key)
	return webhook.Claim{ID: webhook.NewID(now), Mine: true, Same: true, Token: webhook.NewID(now)}, nil
}

func (s spyIdempotency) Find(context.Context, webhook.IdempotencyKey, []byte) (webhook.Claim, error) {
	return webhook.Claim{}, nil
}

func (s spyIdempotency) Together(ctx context.Context) context.Context { return ctx }

func (s spyIdempotency) Keep(context.Context, webhook.IdempotencyKey, *webhook.Claim, []byte) (bool, error) {
	return false, nil
}

func (s spyIdempotency) Release(context.Context, webhook.IdempotencyKey, *webhook.Claim) error {
	return nil
}

func (s spyAuditLog) Record(_ context.Context, ws webhook.WorkspaceID, t webhook.Target) error {
	s.in(ws)
	s.stores(t.ID)
	return nil
}

func (s spyAuditLog) List(_ context.Context, ws webhook.WorkspaceID, f webhook.AuditFilter, p webhook.Page) ([]webhook.AuditEntry, bool, error) {
	if s.admin = s.admin || ws == ""; ws != "" {
		s.in(ws)
	}
	s.page(p)
	s.stores(f.Action, f.Target)
	s.span(f.Since, f.Until)
	return nil, false, nil
}

func (s spyExplainer) States(_ context.Context, ws webhook.WorkspaceID, _ []webhook.ID, p webhook.Page) ([]webhook.EndpointState, bool, error) {
	s.in(ws)
	s.page(p)
	return nil, false, nil
}

func (s spyExplainer) Deliveries(_ context.Context, ws webhook.WorkspaceID, _ webhook.ID, _ []webhook.ID) (map[webhook.ID]webhook.Delivery, error) {
	s.in(ws)
	return nil, nil
}

func (s spyEventTypes) Get(_ context.Context, ws webhook.WorkspaceID, name string) (webhook.EventType, error) {
	s.in(ws)
	s.stores(name)
	return webhook.EventType{}, webhook.NotFound("event type")
}

func (s spyEventTypes) List(_ context.Context, ws webhook.WorkspaceID, p webhook.Page) ([]webhook.EventType, bool, error) {
	s.in(ws)
	s.page(p)
	return nil, false, nil
}

func (s spyEventTypes) Put(_ context.Context, t webhook.EventType) (webhook.EventType, bool, error) {
	s.write(t.WorkspaceID, "event types")
	s.stores(t.Name, t.Description)
	s.storesJSON(t.Schema)
	s.storesJSON(t.Example)
	return t, true, nil
}

func (s spyEventTypes) Delete(_ context.Context, ws webhook.WorkspaceID, name string) error {
	s.write(ws, "event types")
	s.stores(name)
	return nil
}
