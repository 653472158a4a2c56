package console

import (
	"context"
	"encoding/base64"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/postrider/postrider/client"
	"github.com/postrider/postrider/internal/remedy"
	"github.com/postrider/postrider/signature"
)

// attemptView is one of the timeline.
type attemptView struct {
	client.Attempt
	Badge badge
	// Newest is open from the beginning.
	Newest          bool
	RequestHeaders  []headerLine
	ResponseHeaders []headerLine
	Response        *bodyView // nil where no answer came
	Remedy          *remedy.Remedy
	// Other is the body where it is not the newest attempt's.
	Other *bodyView
	// Curl is empty where the body or the URL is not to be had.
	Curl *curl
}

// headerLine is a header as it is shown.
type headerLine struct{ Name, Value string }

func (p *deliveryPage) attempt(a *client.Attempt, sent *sentBodies, newest bool) attemptView {
	out := attemptView{
		Attempt: *a, Badge: attemptBadge(a), Newest: newest,
		RequestHeaders: headerLines(a.RequestHeaders), ResponseHeaders: headerLines(a.ResponseHeaders), Response: responseOf(a),
	}
	if a.ErrorClass != nil {
		r := remedy.Of(*a.ErrorClass, statusOf(a))
		if p.customer {
			r = r.ForCustomer()
		}
		out.Remedy = &r
	}
	mine := sent.of(a)
	if mine == nil || mine.Body == nil {
		return out
	}
	if p.Sent.Body != nil && *mine.Body != *p.Sent.Body {
		out.Other = newBodyView([]byte(*mine.Body))
	}
	if p.Endpoint != nil {
		out.Curl = newCurl(p.Endpoint.URL, out.RequestHeaders, *mine.Body, mine.AsSent)
	}
	return out
}

func attemptBadge(a *client.Attempt) badge {
	switch {
	case a.ErrorClass == nil:
		return badge{"good", statusText(a)}
	case *a.ErrorClass == client.ErrorStatus:
		return badge{"bad", statusText(a)}
	}
	return badge{"bad", string(*a.ErrorClass)}
}

func headerLines(headers map[string]string) []headerLine {
	var out []headerLine
	for _, name := range slices.Sorted(maps.Keys(headers)) {
		out = append(out, headerLine{name, headers[name]})
	}
	return out
}

// responseOf is what came back, to its last byte.
func responseOf(a *client.Attempt) *bodyView {
	if a.ResponseBodyBase64 != nil {
		if raw, err := base64.StdEncoding.DecodeString(*a.ResponseBodyBase64); err == nil {
			return newBodyView(raw)
		}
	}
	if a.ResponseBody == nil {
		return nil
	}
	return newBodyView([]byte(*a.ResponseBody))
}

// sentBodies are the bodies of attempts' requests. Attempts with the same
// X-Webhook-Signature had the same one, so it is asked for once.
type sentBodies struct {
	v      *visit
	id     string
	newest *client.DeliveryRequest
	by     map[string]*client.DeliveryRequest // by signature
}

func (s *sentBodies) read(ctx context.Context, attempts []client.Attempt) error {
	if !s.v.May("events:read") {
		return nil
	}
	if len(attempts) == 0 {
		got, err := s.v.api.Deliveries.Request(ctx, s.id, 0)
		s.newest = &got
		return err
	}
	for i := range attempts {
		a := &attempts[i]
		signed := a.RequestHeaders[signature.HeaderSignature]
		if s.by[signed] != nil {
			continue
		}
		got, err := s.v.api.Deliveries.Request(ctx, s.id, a.Number)
		if client.CodeOf(err) == client.CodeNotFound {
			continue // older than those that the API looks at: it stays unknown
		}
		if err != nil {
			return err
		}
		s.by[signed] = &got
		if s.newest == nil {
			s.newest = &got
		}
	}
	return nil
}

func (s *sentBodies) of(a *client.Attempt) *client.DeliveryRequest {
	return s.by[a.RequestHeaders[signature.HeaderSignature]]
}

func statusOf(a *client.Attempt) int {
	if a.StatusCode == nil {
		return 0
	}
	return *a.StatusCode
}

// statusText is 204 No Content, or the number alone where it has no name.
func statusText(a *client.Attempt) string {
	status := statusOf(a)
	return strings.TrimSpace(strconv.Itoa(status) + " " + http.StatusText(status))
}
