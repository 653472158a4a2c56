package api

import (
	"context"
	"encoding/json"
	"net/http"

	"github.com/postrider/postrider/internal/webhook"
)

type testInput struct {
	Type *string         `json:"type,omitempty" maxLength:"256" default:"webhook.test"`
	Data json.RawMessage `json:"data,omitempty" doc:"The payload; {} when left out."`
}

const defaultTestType = "webhook.test"

func (s *server) testEndpoint(ctx context.Context, r *request) (response, error) {
	e, err := s.endpoint(ctx, r)
	if err != nil {
		return response{}, err
	}
	var in testInput
	if err := decode(r.body, &in); err != nil {
		return response{}, err
	}
	eventType := defaultTestType
	if in.Type != nil {
		if eventType = *in.Type; !webhook.ValidEventType(eventType) {
			return response{}, invalidField("/type", "must be dot-separated words of A-Za-z0-9_-, at most 256 characters")
		}
	}
	data := json.RawMessage("{}")
	if in.Data != nil {
		data = minify(in.Data)
	}
	answer, err := s.Tester.Test(ctx, r.workspace, e.ID, eventType, data)
	if err != nil {
		return response{}, err
	}
	return response{status: http.StatusOK, body: renderTest(&answer)}, nil
}
