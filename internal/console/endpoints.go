package console

import (
	"context"
	"net/http"
	"slices"
	"strings"

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
	Counted bool // whether there are figures that the reader may see
}

// endpointsPage is templates/pages/endpoints.html's.
type endpointsPage struct {
	Rows   []endpointRow
	Next   *string
	Filter client.EndpointFilter
}

// States are what the list may be narrowed to.
func (p *endpointsPage) States() []client.EndpointState {
	return []client.EndpointState{client.EndpointHealthy, client.EndpointFailing, client.EndpointBreakerOpen, client.EndpointDisabled}
}

// Narrowed says whether it is.
func (p *endpointsPage) Narrowed() bool { return p.Filter.State != "" || p.Filter.Search != "" }

func listEndpoints(v *visit) error {
	query := v.r.URL.Query()
	p := &endpointsPage{Filter: client.EndpointFilter{
		State: client.EndpointState(query.Get("state")), Search: strings.TrimSpace(query.Get("search")), Limit: endpointsOnPage, Cursor: v.cursor(),
	}}
	if !slices.Contains(p.States(), p.Filter.State) {
		p.Filter.State = ""
	}
	var health client.Page[client.EndpointHealth]
	err := v.together(
		func(ctx context.Context) error { return p.find(ctx, v) },
		func(ctx context.Context) (err error) {
			health, err = v.api.Endpoints.FindHealth(ctx, p.Filter)
			return err
		},
	)
	if err != nil {
		return err
	}
	for i := range p.Rows {
		for _, h := range health.Data {
			if h.EndpointID == p.Rows[i].ID {
				p.Rows[i].Health = h
			}
		}
	}
	if err := p.countUp(v); err != nil {
		return err
	}
	return v.render("endpoints", "Endpoints", p)
}

func (p *endpointsPage) find(ctx context.Context, v *visit) error {
	all, err := v.api.Endpoints.Find(ctx, p.Filter)
	p.Rows, p.Next = make([]endpointRow, len(all.Data)), all.NextCursor
	for i := range all.Data {
		p.Rows[i] = endpointRow{Endpoint: all.Data[i], Listens: listens(&all.Data[i])}
	}
	return err
}

// countUp asks for the figures of all rows at once: one by one they would be most of
// the page's time.
func (p *endpointsPage) countUp(v *visit) error {
	if !v.May("deliveries:read") || len(p.Rows) == 0 {
		return nil
	}
	ids := make([]string, len(p.Rows))
	for i := range p.Rows {
		ids[i] = p.Rows[i].ID
	}
	all, err := v.api.Endpoints.StatsOf(v.ctx(), ids, client.Window24h)
	for _, st := range all {
		if i := slices.Index(ids, *st.EndpointID); i >= 0 {
			p.Rows[i].Stats, p.Rows[i].Chart, p.Rows[i].Counted = st, newChart(&st, 120, 28), true
		}
	}
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
