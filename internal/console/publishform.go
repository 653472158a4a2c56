package console

import (
	"cmp"
	"context"
	"net/http"
	"strings"

	"github.com/postrider/postrider/client"
	"github.com/postrider/postrider/internal/webhook"
)

// publishForm is what stands in the form of an event to be published, as it was typed.
type publishForm struct {
	Type, Data, ID         string
	EndpointID             string // the only one that is considered; "" for all
	DeliverAt, OrderingKey string
	Once                   string // tells one sending of the form from another
	Wrong                  mistakes
	// Types and Endpoints are what may be chosen.
	Types     []client.EventType
	Endpoints []client.Endpoint
	Preview   *preview
}

// publishFields are those that may have an error, by the API's names.
var publishFields = []string{"type", "data", "id", "endpoint_ids", "deliver_at", "ordering_key"}

// Fields is for the template.
func (f *publishForm) Fields() []string { return publishFields }

// MoreOpen says whether what few events have is filled in, or wrong.
func (f *publishForm) MoreOpen() bool {
	for _, field := range publishFields[2:] {
		if len(f.Wrong[field]) > 0 {
			return true
		}
	}
	return f.ID+f.EndpointID+f.DeliverAt+f.OrderingKey != ""
}

// readPublishForm fails for a form that was not read whole.
func readPublishForm(r *http.Request) (*publishForm, error) {
	if err := r.ParseForm(); err != nil {
		return nil, &problem{Status: http.StatusRequestEntityTooLarge, Title: "That is too large", Detail: "An event has at most 1 MiB."}
	}
	text := func(name string) string { return strings.TrimSpace(r.PostFormValue(name)) }
	return &publishForm{
		Type: text("type"), Data: text("data"), ID: text("id"), EndpointID: text("endpoint_ids"), DeliverAt: text("deliver_at"),
		OrderingKey: text("ordering_key"), Once: text("once"), Wrong: mistakes{},
	}, nil
}

// event is what was typed; what it means the API says. ok is false where it can't be
// read.
func (f *publishForm) event() (e client.NewEvent, ok bool) {
	e = client.NewEvent{Type: f.Type, ID: f.ID, OrderingKey: f.OrderingKey, DeliverAt: f.Wrong.readTime("deliver_at", f.DeliverAt)}
	if f.EndpointID != "" {
		e.EndpointIDs = []string{f.EndpointID}
	}
	data := f.Wrong.readJSON("data", cmp.Or(f.Data, "{}"))
	if data != nil && !strings.HasPrefix(f.Data, "{") && f.Data != "" {
		f.Wrong.add("data", "must be an object, in braces")
	}
	e.Data = data
	return e, len(f.Wrong) == 0
}

// show answers with the form and what may be chosen in it.
func (f *publishForm) show(v *visit, status int) error {
	err := v.together(
		func(ctx context.Context) (err error) { f.Types, err = v.knownTypes(ctx); return err },
		func(ctx context.Context) (err error) { f.Endpoints, err = v.offeredEndpoints(ctx); return err },
		func(ctx context.Context) (err error) { f.Preview, err = newPreview(ctx, v, f); return err },
	)
	if err != nil {
		return err
	}
	f.Once = webhook.NewToken()
	v.at(crumb{"Events", v.Home() + "/events"})
	return v.renderAs(status, "event-new", "Publish an event", f)
}

// fillIn begins with the example of a type of the catalogue.
func (f *publishForm) fillIn(v *visit, name string) error {
	f.Type, f.Data = name, "{\n  \n}"
	if !v.May(string(webhook.ScopeEndpointsRead)) {
		return nil
	}
	t, err := v.api.EventTypes.Get(v.ctx(), name)
	if client.CodeOf(err) == client.CodeNotFound {
		return nil
	}
	if example := newShownJSON(t.Example); example != nil {
		f.Data = cmp.Or(example.Pretty, string(t.Example))
	}
	return err
}
