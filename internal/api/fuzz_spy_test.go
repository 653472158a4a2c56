package api

import (
	"bytes"
	"context"
	"encoding/json"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/postrider/postrider/internal/schema"
	"github.com/postrider/postrider/internal/webhook"
)

const (
	spyKey    = webhook.APIKeyPrefix + "kkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkk" // may do everything in workspace w
	readerKey = webhook.APIKeyPrefix + "rrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrr" // may read events in workspace w
)

// spy stands for everything behind the API. It notes what is asked of it, and
// what of that Postgres could not store.
type spy struct {
	workspaces []webhook.WorkspaceID // that something was asked of
	admin      bool                  // something was asked that only the admin may ask
	writes     []string
	bad        []string
}

func (s *spy) in(ws webhook.WorkspaceID) { s.workspaces = append(s.workspaces, ws) }

func (s *spy) write(ws webhook.WorkspaceID, what string) {
	s.in(ws)
	s.writes = append(s.writes, what)
}

// stores checks texts, which must be UTF-8 without a NUL.
func (s *spy) stores(texts ...string) {
	for _, text := range texts {
		if !utf8.ValidString(text) || strings.Contains(text, "\x00") {
			s.bad = append(s.bad, text)
		}
	}
}

func (s *spy) storesJSON(object json.RawMessage) {
	if object != nil && (!json.Valid(object) || object[0] != '{' || !utf8.Valid(object) || loneSurrogate(object) >= 0) {
		s.bad = append(s.bad, string(object))
	}
}

func (s *spy) page(p webhook.Page) {
	if p.Limit < 1 || p.Limit > 250 {
		s.bad = append(s.bad, "a page without bounds")
	}
}

func (s *spy) span(since, until time.Time) {
	for _, at := range []time.Time{since, until} {
		if at.Year() < 1 || at.Year() > 9999 {
			s.bad = append(s.bad, at.String())
		}
	}
}

type (
	spyWorkspaces struct{ *spy }
	spyKeys       struct{ *spy }
	spyLinks      struct{ *spy }
	spyEndpoints  struct{ *spy }
	spyEvents     struct{ *spy }
	spyDeliveries struct{ *spy }
)

func (s *spy) deps() Deps {
	return Deps{
		Workspaces: spyWorkspaces{s}, Keys: spyKeys{s}, PortalLinks: spyLinks{s}, Endpoints: spyEndpoints{s}, Events: spyEvents{s}, Deliveries: spyDeliveries{s},
		Replays: spyReplays{s}, Idempotency: spyIdempotency{s}, AuditLog: spyAuditLog{s}, Explainer: spyExplainer{s}, EventTypes: spyEventTypes{s},
		Schemas: schema.Checker{}, Accepter: s, Waits: s, Streams: s, Tester: s, URLs: s, Queues: s,
	}
}

func (s *spy) CheckURL(_ context.Context, raw string) *webhook.FieldError {
	s.stores(raw)
	return nil
}

func (s *spy) Accept(_ context.Context, ws webhook.WorkspaceID, events []webhook.NewEvent) ([]webhook.Accepted, error) {
	s.write(ws, "events")
	out := make([]webhook.Accepted, len(events))
	for i, e := range events {
		s.stores(e.ID, e.Type)
		s.storesJSON(e.Data)
		s.span(e.CreatedAt, e.CreatedAt)
		s.span(e.DeliverAt, e.DeliverAt)
		out[i] = webhook.Accepted{ID: e.ID, Type: e.Type, CreatedAt: e.CreatedAt}
		if e.Once != nil {
			s.stores(e.Once.Key.Route, e.Once.Key.Key)
			e.Once.Answer(&out[i])
		}
	}
	return out, nil
}

func (s *spy) Wait(_ context.Context, e webhook.Awaited, _ int, d time.Duration) ([]webhook.Delivery, webhook.WaitEnd) {
	s.in(e.WorkspaceID)
	if d < 0 || d > webhook.MaxWait {
		s.bad = append(s.bad, "a wait of "+d.String())
	}
	return nil, webhook.WaitSettled
}

func (s *spy) Test(_ context.Context, ws webhook.WorkspaceID, _ webhook.ID, eventType string, data json.RawMessage) (webhook.Response, error) {
	s.write(ws, "endpoints")
	s.stores(eventType)
	s.storesJSON(data)
	return webhook.Response{StatusCode: 200}, nil
}

func (s spyWorkspaces) Get(_ context.Context, id webhook.WorkspaceID) (webhook.Workspace, error) {
	s.stores(string(id))
	if id != "w" && id != "other" {
		return webhook.Workspace{}, webhook.NotFound("workspace")
	}
	return webhook.Workspace{ID: id, Name: "n"}, nil
}

func (s spyWorkspaces) List(_ context.Context, after webhook.Workspace, limit int) ([]webhook.Workspace, bool, error) {
	s.admin = true
	s.stores(string(after.ID))
	s.page(webhook.Page{Limit: limit})
	return nil, false, nil
}

func (s spyWorkspaces) Create(_ context.Context, w webhook.Workspace) (webhook.Workspace, error) {
	s.admin = true
	s.stores(string(w.ID), w.Name)
	s.stores(w.PortalOrigins...)
	if !w.ID.Valid() || w.Name == "" {
		s.bad = append(s.bad, "workspace "+string(w.ID))
	}
	return w, nil
}

func (s spyWorkspaces) Update(_ context.Context, id webhook.WorkspaceID, edit func(*webhook.Workspace) error) (webhook.Workspace, error) {
	s.admin = true
	w := webhook.Workspace{ID: id, Name: "n"}
	err := edit(&w)
	s.stores(string(id), w.Name)
	s.stores(w.PortalOrigins...)
	return w, err
}

func (s spyWorkspaces) Delete(context.Context, webhook.WorkspaceID) error {
	s.admin = true
	return nil
}

func (s spyLinks) Create(_ context.Context, l webhook.PortalLink, hash []byte, now time.Time) error {
	s.admin = true
	if len(hash) != 32 || l.ExpiresAt.Sub(now) < 9*time.Second || l.ExpiresAt.Sub(now) > time.Hour {
		s.bad = append(s.bad, "a portal link until "+l.ExpiresAt.String())
	}
	return nil
}

func (s spyKeys) Create(_ context.Context, k webhook.Key, _ []byte) error {
	s.admin = true
	s.stores(k.Name)
	return nil
}

func (s spyKeys) ByHash(_ context.Context, hash []byte) (webhook.Key, error) {
	switch {
	case bytes.Equal(hash, webhook.HashAPIKey(spyKey)):
		return webhook.Key{ID: webhook.ID{1}, WorkspaceID: "w", Scopes: webhook.Scopes()}, nil
	case bytes.Equal(hash, webhook.HashAPIKey(readerKey)):
		return webhook.Key{ID: webhook.ID{2}, WorkspaceID: "w", Scopes: []webhook.Scope{webhook.ScopeEventsRead}}, nil
	}
	return webhook.Key{}, webhook.NotFound("key")
}

func (s spyKeys) List(_ context.Context, _ webhook.WorkspaceID, p webhook.Page) ([]webhook.Key, bool, error) {
	s.admin = true
	s.page(p)
	return nil, false, nil
}

func (s spyKeys) Revoke(context.Context, webhook.WorkspaceID, webhook.ID) error {
	s.admin = true
	return nil
}

func (s spyEndpoints) Get(_ context.Context, ws webhook.WorkspaceID, id webhook.ID) (webhook.Endpoint, error) {
	s.in(ws)
	e := patched()
	e.ID, e.WorkspaceID = id, ws
	return e, nil
}

// Anywhere knows no endpoint's secret.
func (s spyEndpoints) Anywhere(context.Context, webhook.ID) (webhook.Endpoint, error) {
	return webhook.Endpoint{}, webhook.NotFound("endpoint")
}

func (s spyEndpoints) List(_ context.Context, ws webhook.WorkspaceID, p webhook.Page) ([]webhook.Endpoint, bool, error) {
	s.in(ws)
	s.page(p)
	return nil, false, nil
}

func (s spyEndpoints) Find(_ context.Context, ws webhook.WorkspaceID, f webhook.EndpointFilter, p webhook.Page) ([]webhook.ID, webhook.ID, error) {
	s.in(ws)
	s.page(p)
	s.stores(f.Search)
	return nil, webhook.ID{}, nil
}

func (s spyEndpoints) Some(_ context.Context, ws webhook.WorkspaceID, _ []webhook.ID) ([]webhook.Endpoint, error) {
	s.in(ws)
	return nil, nil
}

func (s spyEndpoints) Create(_ context.Context, e webhook.Endpoint) (webhook.Endpoint, error) {
	s.write(e.WorkspaceID, "endpoints")
	s.storesEndpoint(&e)
	return e, nil
}

func (s spyEndpoints) storesEndpoint(e *webhook.Endpoint) {
	s.stores(e.URL, e.Description, e.Secret)
	s.stores(e.Events...)
	s.storesJSON(e.Filters)
	s.storesJSON(e.Metadata)
	for name, value := range e.Headers {
		if !referenceHeader(name, value) {
			s.bad = append(s.bad, name+": "+value)
		}
	}
	if len(e.Events) == 0 || !webhook.ValidSecret(e.Secret) || slices.Contains(e.RetrySchedule, 0) {
		s.bad = append(s.bad, "an endpoint without events or secret")
	}
}

func (s spyEndpoints) Update(_ context.Context, ws webhook.WorkspaceID, id webhook.ID, edit func(*webhook.Endpoint) error) (webhook.Endpoint, error) {
	s.write(ws, "endpoints")
	e := patched()
	e.ID, e.WorkspaceID = id, ws
	if err := edit(&e); err != nil {
		return e, err
	}
	s.storesEndpoint(&e)
	return e, nil
}

func (s spyEndpoints) Delete(_ context.Context, ws webhook.WorkspaceID, _ webhook.ID) error {
	s.write(ws, "endpoints")
	return nil
}

func (s spyEvents) Get(_ context.Context, ws webhook.WorkspaceID, _ string) (webhook.Event, error) {
	s.in(ws)
	return webhook.Event{}, webhook.NotFound("event")
}

func (s spyEvents) List(_ context.Context, ws webhook.WorkspaceID, f webhook.EventFilter, p webhook.Page) ([]webhook.Event, webhook.ID, error) {
	s.in(ws)
	s.page(p)
	s.span(f.Since, f.Until)
	s.stores(f.Type)
	return nil, webhook.ID{}, nil
}

func (s spyDeliveries) Get(_ context.Context, ws webhook.WorkspaceID, _ webhook.ID) (webhook.Delivery, error) {
	s.in(ws)
	return webhook.Delivery{}, webhook.NotFound("delivery")
}

func (s spyDeliveries) List(_ context.Context, ws webhook.WorkspaceID, f webhook.DeliveryFilter, p webhook.Page) ([]webhook.Delivery, webhook.ID, error) {
	s.in(ws)
	s.page(p)
	s.span(f.Since, f.Until)
	s.stores(f.Type, string(f.Status))
	return nil, webhook.ID{}, nil
}

func (s spyDeliveries) Attempts(_ context.Context, ws webhook.WorkspaceID, _ webhook.ID, _ int, p webhook.Page) ([]webhook.Attempt, bool, error) {
	s.in(ws)
	s.page(p)
	return nil, false, nil
}

func (s spyDeliveries) Retry(_ context.Context, ws webhook.WorkspaceID, id webhook.ID) (webhook.Delivery, error) {
	s.write(ws, "deliveries")
	return webhook.Delivery{ID: id}, nil
}

func (s spyDeliveries) Cancel(_ context.Context, ws webhook.WorkspaceID, id webhook.ID) (webhook.Delivery, error) {
	s.write(ws, "deliveries")
	return webhook.Delivery{ID: id}, nil
}
