package api

import (
	"context"
	"net/http"

	"github.com/postrider/postrider/internal/webhook"
)

func (s *server) putEventType(ctx context.Context, r *request) (response, error) {
	name := r.param("name")
	if !webhook.ValidEventType(name) {
		return response{}, invalidField("name", eventTypeSyntax)
	}
	t := webhook.EventType{WorkspaceID: r.workspace, Name: name, ID: webhook.NewID(s.cfg.Now())}
	if err := s.readEventType(r.body, &t); err != nil {
		return response{}, err
	}
	t, created, err := s.EventTypes.Put(ctx, t)
	if err != nil {
		return response{}, err
	}
	out := response{status: http.StatusOK, body: renderEventType(&t)}
	if created {
		out.status, out.location = http.StatusCreated, "/v1/event-types/"+t.Name
	}
	return out, nil
}

// readEventType reads the whole of an entry: what is left out has its default.
func (s *server) readEventType(body []byte, t *webhook.EventType) error {
	var in eventTypeInput
	if err := decode(body, &in); err != nil {
		return err
	}
	t.Description, t.Validation = in.Description, webhook.Validation(orElse(in.Validation, string(webhook.ValidationOff)))
	if in.Schema != nil {
		t.Schema = minify(in.Schema)
	}
	if in.Example != nil {
		t.Example = minify(in.Example)
	}
	if t.Schema == nil && t.Validation != webhook.ValidationOff {
		return invalidField("/schema", "is required where validation is %s", t.Validation)
	}
	if bad := s.Schemas.Check(t.Schema, t.Example); len(bad) > 0 {
		return webhook.Invalid(bad...)
	}
	return nil
}

func (s *server) getEventType(ctx context.Context, r *request) (response, error) {
	name, err := r.eventTypeName()
	if err != nil {
		return response{}, err
	}
	t, err := s.EventTypes.Get(ctx, r.workspace, name)
	if err != nil {
		return response{}, err
	}
	return response{status: http.StatusOK, body: renderEventType(&t)}, nil
}

// eventTypeName is the one in the path; one of any other shape is as unknown as
// one that nobody has.
func (r *request) eventTypeName() (string, error) {
	name := r.param("name")
	if !webhook.ValidEventType(name) {
		return "", webhook.NotFound("event type")
	}
	return name, nil
}

func (s *server) listEventTypes(ctx context.Context, r *request) (response, error) {
	p, err := r.page()
	if err != nil {
		return response{}, err
	}
	rows, more, err := s.EventTypes.List(ctx, r.workspace, p)
	if err != nil {
		return response{}, err
	}
	return pageOf(rows, more, func(t *webhook.EventType) webhook.ID { return t.ID }, renderEventType), nil
}

func (s *server) deleteEventType(ctx context.Context, r *request) (response, error) {
	name, err := r.eventTypeName()
	if err != nil {
		return response{}, err
	}
	return response{status: http.StatusNoContent}, s.EventTypes.Delete(ctx, r.workspace, name)
}

func (s *server) listTemplates(_ context.Context, r *request) (response, error) {
	resource := r.query.Get("resource")
	all := templates(resource)
	for i := range all {
		if !webhook.ValidEventType(all[i].Name) {
			return response{}, invalidField("resource", "must be dot-separated words of A-Za-z0-9_- such as post, and leave room for .published")
		}
	}
	return response{status: http.StatusOK, body: list[templateWire]{Data: all}}, nil
}
