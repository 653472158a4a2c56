package console

import (
	"context"
	"net/http"

	"github.com/postrider/postrider/client"
	"github.com/postrider/postrider/internal/webhook"
)

func endpointsPages() []page {
	const all = inWorkspace + "/endpoints"
	return []page{
		{method: "GET", path: all, scope: webhook.ScopeEndpointsRead, handle: listEndpoints},
		{method: "GET", path: all + "/new", scope: webhook.ScopeEndpointsWrite, handle: newEndpoint},
		{method: "POST", path: all + "/check", scope: webhook.ScopeEndpointsWrite, handle: checkEndpoint},
		{method: "POST", path: all, scope: webhook.ScopeEndpointsWrite, handle: createEndpoint},
	}
}

// endpointsOnPage keeps a page's figures below 100 ms.
const endpointsOnPage = 20

// endpointRow is one of a list.
type endpointRow struct {
	client.Endpoint
	Listens string
	Health  client.EndpointHealth
	Stats   client.Stats
	Chart   *chart
	Counted bool // whether the reader may see figures
}

// endpointsPage is templates/pages/endpoints.html's.
type endpointsPage struct {
	Rows []endpointRow
	Next *string
}

func listEndpoints(v *visit) error {
	o := client.ListOptions{Limit: endpointsOnPage, Cursor: v.cursor()}
	var all client.Page[client.Endpoint]
	var health client.Page[client.EndpointHealth]
	err := v.together(
		func(ctx context.Context) (err error) { all, err = v.api.Endpoints.List(ctx, o); return err },
		func(ctx context.Context) (err error) { health, err = v.api.Endpoints.Health(ctx, "", o); return err },
	)
	if err != nil {
		return err
	}
	states := make(map[string]client.EndpointHealth, len(health.Data))
	for _, h := range health.Data {
		states[h.EndpointID] = h
	}
	p := endpointsPage{Rows: make([]endpointRow, len(all.Data)), Next: all.NextCursor}
	var calls []func(context.Context) error
	for i := range all.Data {
		row := &p.Rows[i]
		*row = endpointRow{Endpoint: all.Data[i], Listens: listens(&all.Data[i]), Health: states[all.Data[i].ID], Counted: v.May("deliveries:read")}
		if row.Counted {
			calls = append(calls, func(ctx context.Context) error { return row.countUp(ctx, v) })
		}
	}
	if err := v.together(calls...); err != nil {
		return err
	}
	return v.render("endpoints", "Endpoints", p)
}

func (row *endpointRow) countUp(ctx context.Context, v *visit) (err error) {
	row.Stats, err = v.api.Endpoints.Stats(ctx, row.ID, client.Window24h)
	row.Chart = newChart(&row.Stats, 120, 28)
	return err
}

func newEndpoint(v *visit) error {
	f := &endpointForm{Active: true, Once: webhook.NewToken(), Format: string(client.FormatStandard)}
	return f.new(v, http.StatusOK)
}

// checkEndpoint says beside its field what is wrong with what stands in the form, while
// it is filled in. What was not touched yet is not wrong yet.
func checkEndpoint(v *visit) error {
	f := readEndpointForm(v.r)
	if in, ok := f.input(); ok {
		f.dropHidden(&in)
		got, err := v.api.Endpoints.Check(v.ctx(), in)
		if err != nil {
			return err
		}
		f.note(got.Errors)
	}
	for name, text := range map[string]string{"url": f.URL, "events": f.Events} {
		if text == "" {
			delete(f.Errors, name)
		}
	}
	return v.fragment("endpoint-form", "errors", f)
}

func createEndpoint(v *visit) error {
	f := readEndpointForm(v.r)
	in, ok := f.input()
	if !ok {
		return f.new(v, http.StatusUnprocessableEntity)
	}
	ctx := v.ctx()
	if f.Once != "" { // who sends the form twice has one endpoint
		ctx = client.WithIdempotencyKey(ctx, f.Once)
	}
	e, err := v.api.Endpoints.Create(ctx, in)
	if f.refused(err) {
		f.Once = webhook.NewToken()
		return f.new(v, http.StatusUnprocessableEntity)
	}
	if err != nil {
		return err
	}
	v.at(crumb{"Endpoints", v.Home() + "/endpoints"})
	return v.renderAs(http.StatusCreated, "endpoint-created", "Endpoint created", e)
}

func (f *endpointForm) new(v *visit, status int) error {
	v.at(crumb{"Endpoints", v.Home() + "/endpoints"})
	return v.renderAs(status, "endpoint-form", "New endpoint", f)
}
