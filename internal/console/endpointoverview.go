package console

import (
	"bytes"
	"context"
	"time"

	"github.com/postrider/postrider/client"
)

const (
	// shownFailures is how many of the newest failures the overview has.
	shownFailures = 5
	// endpointEvery is how often live figures are counted for one reader.
	endpointEvery = 3 * time.Second
)

// endpointPage is templates/pages/endpoint.html's.
type endpointPage struct {
	ofEndpoint
	Health    client.EndpointHealth
	State     stateWords
	Listens   []string // what it subscribes to, and
	Only      []string // what a payload must be
	Retries   string
	Counted   bool // whether the reader may see figures and deliveries
	Window    client.Window
	Windows   []client.Window
	Stats     client.Stats
	Chart     *chart
	Failures  []client.Delivery
	MayChange bool
}

// Span is the window in words.
func (p *endpointPage) Span() string { return spans[p.Window] }

func endpointOverview(v *visit) error {
	p, err := endpointData(v)
	if err != nil {
		return err
	}
	return v.render("endpoint", p.Title(), p)
}

func endpointLive(v *visit) error {
	return v.stream("figures", endpointEvery, func(out *bytes.Buffer) error {
		p, err := endpointData(v)
		if err != nil {
			return err
		}
		return v.part(out, "endpoint", "figures", p)
	})
}

func endpointData(v *visit) (*endpointPage, error) {
	p := &endpointPage{Counted: v.May("deliveries:read"), MayChange: v.May("endpoints:write"), Windows: windows}
	p.Window = windowOf(v.r)
	calls := []func(context.Context) error{
		func(ctx context.Context) (err error) { p.ofEndpoint, err = v.ofEndpoint(ctx, ""); return err },
		func(ctx context.Context) error { return p.howItIs(ctx, v) },
	}
	if p.Counted {
		calls = append(calls,
			func(ctx context.Context) (err error) {
				p.Stats, err = v.api.Endpoints.Stats(ctx, v.pathID(), p.Window)
				return err
			},
			func(ctx context.Context) error { return p.newestFailures(ctx, v) })
	}
	if err := v.together(calls...); err != nil {
		return nil, err
	}
	if p.Counted {
		p.Chart = newChart(&p.Stats, 800, 180)
	}
	p.State = stateOf(&p.Endpoint, &p.Health)
	p.Listens, p.Only = subscribed(&p.Endpoint), conditions(p.Endpoint.Filters)
	p.Retries = retries(p.Endpoint.RetrySchedule)
	return p, nil
}

func (p *endpointPage) howItIs(ctx context.Context, v *visit) error {
	health, err := v.api.Endpoints.Health(ctx, v.pathID(), client.ListOptions{Limit: 1})
	if err == nil && len(health.Data) == 1 {
		p.Health = health.Data[0]
	}
	return err
}

func (p *endpointPage) newestFailures(ctx context.Context, v *visit) error {
	failed, err := v.api.Endpoints.Deliveries(ctx, v.pathID(), client.EventDeliveryFilter{Status: client.DeliveryFailed, Limit: shownFailures})
	p.Failures = failed.Data
	return err
}
