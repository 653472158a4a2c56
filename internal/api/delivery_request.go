package api

import (
	"context"
	"net/http"
	"slices"
	"strconv"

	"github.com/postrider/postrider/internal/webhook"
	"github.com/postrider/postrider/signature"
)

type deliveryRequestWire struct {
	Attempt     *int    `json:"attempt" minimum:"1" doc:"Whose request it is; null before the first attempt: what is to be sent." example:"1"`
	Format      string  `json:"format" enum:"standard,raw,cloudevents" doc:"What the body is." example:"raw"`
	ContentType string  `json:"content_type" doc:"The format's." example:"application/json"`
	AsSent      bool    `json:"as_sent" doc:"Whether the attempt's signature is of this very body. It may be false where the secret was rotated since: then the format may be another than it was." example:"true"`
	Body        *string `json:"body" doc:"JSON, as its bytes are; null once the payload is no longer kept." example:"{\"title\":\"My Blog Post\"}"`
}

func attemptParam() param {
	return param{name: "attempt", doc: "The number of one of the newest 250 attempts; the newest when left out.", integer: true}
}

func (s *server) getDeliveryRequest(ctx context.Context, r *request) (response, error) {
	number, err := r.attempt()
	if err != nil {
		return response{}, err
	}
	sent, err := s.sentOf(ctx, r, number)
	if err != nil {
		return response{}, err
	}
	format, asSent := sent.format()
	out := deliveryRequestWire{Format: string(format), ContentType: format.ContentType(), AsSent: asSent}
	if sent.attempt != nil {
		out.Attempt = &sent.attempt.Number
	}
	if body := sent.body(format); body != nil {
		out.Body = orNull(string(body))
	}
	return response{status: http.StatusOK, body: out}, nil
}

// attempt reads ?attempt=; nil is the newest.
func (r *request) attempt() (*int, error) {
	if !r.query.Has("attempt") {
		return nil, nil
	}
	n, err := strconv.ParseInt(r.query.Get("attempt"), 10, 32)
	if err != nil || n < 1 {
		return nil, invalidField("attempt", "must be a whole number from 1")
	}
	number := int(n)
	return &number, nil
}

// sent is all that is known of what was sent.
type sent struct {
	delivery webhook.Delivery
	endpoint webhook.Endpoint // its ID is zero where it was deleted
	event    webhook.Event
	attempt  *webhook.Attempt // nil before the first
}

// sentOf reads the delivery that the path names with its attempt of that number, or
// its newest.
func (s *server) sentOf(ctx context.Context, r *request, number *int) (*sent, error) {
	id, err := r.deliveryID()
	if err != nil {
		return nil, err
	}
	out := &sent{}
	if out.delivery, err = s.Deliveries.Get(ctx, r.workspace, id); err != nil {
		return nil, err
	}
	if out.attempt, err = s.attemptOf(ctx, &out.delivery, number); err != nil {
		return nil, err
	}
	if out.event, err = s.Events.Get(ctx, r.workspace, out.delivery.EventID); err != nil {
		return nil, err
	}
	out.endpoint, err = s.Endpoints.Get(ctx, r.workspace, out.delivery.EndpointID)
	if err != nil && webhook.CodeOf(err) != webhook.CodeNotFound {
		return nil, err
	}
	out.endpoint.Settle(s.cfg.Now())
	return out, nil
}

func (s *server) attemptOf(ctx context.Context, d *webhook.Delivery, number *int) (*webhook.Attempt, error) {
	p := webhook.Page{Limit: 1}
	if number != nil {
		p.Limit = maxLimit
	}
	all, _, err := s.Deliveries.Attempts(ctx, d.WorkspaceID, d.ID, d.Attempts, p)
	if err != nil {
		return nil, err
	}
	i := slices.IndexFunc(all, func(a webhook.Attempt) bool { return number == nil || a.Number == *number })
	switch {
	case i >= 0:
		return &all[i], nil
	case number != nil:
		return nil, webhook.NotFound("attempt")
	}
	return nil, nil
}

// body is nil once the payload is no longer kept.
func (s *sent) body(f webhook.Format) []byte {
	if s.event.Body == nil {
		return nil
	}
	return f.Body(s.event.Body, s.event.PublicID(), s.event.Type, s.event.WorkspaceID)
}

// format finds out what the attempt's body was: an endpoint's may have changed since.
// certain says that the attempt's signature is of that body. Else what it said of its
// content decides, and where that fits it is the endpoint's present one.
func (s *sent) format() (f webhook.Format, certain bool) {
	likely := append([]webhook.Format{s.endpoint.Format}, webhook.Formats()...)
	if !likely[0].Valid() {
		likely[0] = webhook.FormatStandard
	}
	if s.attempt == nil {
		return likely[0], false
	}
	for _, f := range likely {
		if s.signedAs(s.body(f)) {
			return f, true
		}
	}
	for _, f := range likely {
		if headerOf(s.attempt.RequestHeaders, "Content-Type") == f.ContentType() {
			return f, false
		}
	}
	return likely[0], false
}

func (s *sent) signedAs(body []byte) bool {
	given := headerOf(s.attempt.RequestHeaders, signature.HeaderSignature)
	return body != nil && slices.ContainsFunc(s.secrets(), func(secret string) bool { return signature.Sign(secret, body) == given })
}

// secrets are the endpoint's, the newer one first.
func (s *sent) secrets() []string {
	return slices.DeleteFunc([]string{s.endpoint.NextSecret, s.endpoint.Secret}, func(secret string) bool { return secret == "" })
}

func headerOf(all []webhook.Header, name string) string {
	for _, h := range all {
		if h.Name == name {
			return h.Value
		}
	}
	return ""
}
