package console

import (
	"context"
	"encoding/json"
	"net/http"
	"slices"
	"strings"

	"github.com/postrider/postrider/client"
	"github.com/postrider/postrider/internal/webhook"
)

// typesLooked is how many deliveries are looked at for the types that an endpoint gets,
// and how many types of the catalogue are offered.
const typesLooked = 50

// testPage is templates/pages/endpoint-test.html's.
type testPage struct {
	ofEndpoint
	Types   []string
	Type    string
	Data    string // as it stands in the form
	Error   string // what is wrong with it
	Result  *client.TestResult
	Headers []pair // of the answer
}

// pair is a name with its value.
type pair struct{ Name, Value string }

// testForm has a type's example filled in.
func testForm(v *visit) error {
	p := &testPage{Type: v.r.URL.Query().Get("type")}
	if !webhook.ValidEventType(p.Type) {
		p.Type = ""
	}
	if err := p.offer(v); err != nil {
		return err
	}
	if p.Type == "" {
		p.Type = p.Types[0]
	}
	var err error
	if p.Data, err = v.exampleOf(v.ctx(), p.Type); err != nil {
		return err
	}
	if v.r.Header.Get("HX-Request") != "" {
		return v.fragment("endpoint-test", "data", p)
	}
	return v.render("endpoint-test", p.Title(), p)
}

// sendTest makes one request now, and shows what came of it on the same page.
func sendTest(v *visit) error {
	p := &testPage{Type: v.r.PostFormValue("type"), Data: v.r.PostFormValue("data")}
	status := http.StatusOK
	in := client.TestInput{Type: &p.Type, Data: json.RawMessage(p.Data)}
	if p.Error = notAnObject(p.Data); p.Error == "" {
		result, err := v.api.Endpoints.Test(v.ctx(), v.pathID(), in)
		if refused := reasonOf(err); refused != "" {
			p.Error = refused
		} else if err != nil {
			return err
		} else {
			p.Result, p.Headers = &result, sortedPairs(result.ResponseHeaders)
		}
	}
	if p.Error != "" {
		status = http.StatusUnprocessableEntity
	}
	if v.r.Header.Get("HX-Request") != "" {
		return v.fragment("endpoint-test", "result", p) // 200: htmx would not show it else
	}
	if err := p.offer(v); err != nil {
		return err
	}
	return v.renderAs(status, "endpoint-test", p.Title(), p)
}

// offer finds the types to choose from: those that the endpoint names, that it got
// lately, of the catalogue, and the test's own.
func (p *testPage) offer(v *visit) error {
	var known client.Page[client.EventType]
	var lately client.Page[client.Delivery]
	calls := []func(context.Context) error{
		func(ctx context.Context) (err error) { p.ofEndpoint, err = v.ofEndpoint(ctx, "/test"); return err },
		func(ctx context.Context) (err error) {
			known, err = v.api.EventTypes.List(ctx, client.ListOptions{Limit: typesLooked})
			return err
		},
	}
	if v.May("deliveries:read") {
		calls = append(calls, func(ctx context.Context) (err error) {
			lately, err = v.api.Endpoints.Deliveries(ctx, v.pathID(), client.EventDeliveryFilter{Limit: typesLooked})
			return err
		})
	}
	if err := v.together(calls...); err != nil {
		return err
	}
	p.Types = []string{p.Type}
	for _, t := range p.Endpoint.Events {
		if prefix, ok := strings.CutSuffix(t, ".*"); ok {
			t = prefix + ".created" // the likeliest one, which there is a template of
		}
		p.Types = append(p.Types, t)
	}
	for _, d := range lately.Data {
		p.Types = append(p.Types, d.Type)
	}
	for _, t := range known.Data {
		p.Types = append(p.Types, t.Name)
	}
	p.Types = distinct(append(p.Types, webhook.TestEventType))
	return nil
}

// distinct are the event types among the words, each once.
func distinct(words []string) (types []string) {
	for _, t := range words {
		if webhook.ValidEventType(t) && !slices.Contains(types, t) {
			types = append(types, t)
		}
	}
	return types
}

// exampleOf is data of an event type: the catalogue's, else that of a template of this
// name, else an empty object.
func (v *visit) exampleOf(ctx context.Context, eventType string) (string, error) {
	known, err := v.api.EventTypes.Get(ctx, eventType)
	if err == nil && string(known.Example) != "null" {
		return onLines(known.Example), nil
	}
	if err != nil && client.CodeOf(err) != client.CodeNotFound {
		return "", err
	}
	end := strings.LastIndexByte(eventType, '.')
	if end < 0 {
		return "{}", nil
	}
	templates, err := v.api.EventTypes.Templates(ctx, eventType[:end])
	for _, t := range templates {
		if t.Name == eventType {
			return onLines(t.Example), nil
		}
	}
	return "{}", err
}

// notAnObject is what is wrong with a text that is to be a JSON object; "" for nothing.
func notAnObject(text string) string {
	if !json.Valid([]byte(text)) {
		return "is no JSON: look for a missing quote or comma"
	}
	if !strings.HasPrefix(strings.TrimSpace(text), "{") {
		return "must be a JSON object, in braces"
	}
	return ""
}

// sortedPairs are a map's, by name.
func sortedPairs(of map[string]string) (all []pair) {
	for name, value := range of {
		all = append(all, pair{name, value})
	}
	slices.SortFunc(all, func(a, b pair) int { return strings.Compare(a.Name, b.Name) })
	return all
}
