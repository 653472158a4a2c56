package api

import (
	"context"
	"encoding/json"
	"net/http"

	"github.com/postrider/postrider/internal/webhook"
)

type testInput struct {
	Type *string         `json:"type,omitempty" minLength:"1" maxLength:"256" pattern:"^[A-Za-z0-9_-]+(\\.[A-Za-z0-9_-]+)*$" default:"webhook.test" doc:"What X-Webhook-Event says."`
	Data json.RawMessage `json:"data,omitempty" doc:"The payload; {} when left out."`
}

func (s *server) testEndpoint(ctx context.Context, r *request) (response, error) {
	e, err := s.endpoint(ctx, r)
	if err != nil {
		return response{}, err
	}
	var in testInput
	if err := decode(r.body, &in); err != nil {
		return response{}, err
	}
	eventType := webhook.TestEventType
	if in.Type != nil {
		if eventType = *in.Type; !webhook.ValidEventType(eventType) {
			return response{}, invalidField("/type", eventTypeSyntax)
		}
	}
	data := json.RawMessage("{}")
	if in.Data != nil {
		data = minify(in.Data)
	}
	if err := s.noteEndpoint(ctx, r, e.ID); err != nil {
		return response{}, err
	}
	answer, err := s.Tester.Test(ctx, r.workspace, e.ID, eventType, data)
	if err != nil {
		return response{}, err
	}
	return response{status: http.StatusOK, body: renderTest(&answer)}, nil
}
