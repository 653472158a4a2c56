package console

import (
	"bytes"
	"context"
	"net/http"
	"slices"
	"time"

	"github.com/postrider/postrider/client"
	"github.com/postrider/postrider/internal/webhook"
)

func overviewPages() []page {
	return []page{
		{method: "GET", path: inWorkspace + "/overview", scope: webhook.ScopeDeliveriesRead, handle: overview},
		{method: "GET", path: inWorkspace + "/overview/live", scope: webhook.ScopeDeliveriesRead, long: true, handle: overviewLive},
	}
}

const (
	// looked is how many endpoints of a state the overview counts, and shownUnhealthy
	// how many it shows.
	looked         = 250
	shownUnhealthy = 8
	// overviewEvery is how often live figures are counted for one reader.
	overviewEvery = 3 * time.Second
)

// overviewPage is templates/pages/overview.html's.
type overviewPage struct {
	Window    client.Window
	Windows   []client.Window
	Stats     client.Stats
	Chart     *chart
	PerSecond float64
	// Waiting are deliveries pending in the last 30 days; WaitingSince is when the part
	// of time begins in which the oldest was accepted.
	Waiting      int64
	WaitingSince time.Time
	CanSee       bool // endpoints
	Unhealthy    []unhealthy
	More         int
	MoreThan     bool   // and more than those
	Well         string // what is said where none is unhealthy
}

// Span is the window in words.
func (p *overviewPage) Span() string { return spans[p.Window] }

var spans = map[client.Window]string{
	client.Window1h: "last hour", client.Window24h: "last 24 hours", client.Window7d: "last 7 days", client.Window30d: "last 30 days",
}

// windows are what figures can be of.
var windows = []client.Window{client.Window1h, client.Window24h, client.Window7d, client.Window30d}

// windowOf is the one that is asked for, or a day.
func windowOf(r *http.Request) client.Window {
	if w := client.Window(r.URL.Query().Get("window")); slices.Contains(windows, w) {
		return w
	}
	return client.Window24h
}

// unhealthy is an endpoint that fails, or failed until it was disabled, with what it is.
type unhealthy struct {
	client.EndpointHealth
	URL string
	Why string // it is disabled; "" where it is not
}

func overview(v *visit) error {
	data, err := overviewData(v)
	if err != nil {
		return err
	}
	return v.render("overview", "Overview", data)
}

func overviewLive(v *visit) error {
	return v.stream("figures", overviewEvery, func(out *bytes.Buffer) error {
		data, err := overviewData(v)
		if err != nil {
			return err
		}
		return v.part(out, "overview", "figures", data)
	})
}

func overviewData(v *visit) (*overviewPage, error) {
	p := &overviewPage{Window: windowOf(v.r), Windows: windows, CanSee: v.May("endpoints:read")}
	// What waits is in the hour's and the month's figures, one of which may be asked for.
	stats := map[client.Window]*client.Stats{p.Window: {}, client.Window1h: {}, client.Window30d: {}}
	calls := []func(context.Context) error{func(ctx context.Context) error { return p.sick(ctx, v) }}
	for w, into := range stats {
		calls = append(calls, func(ctx context.Context) (err error) { *into, err = v.api.Stats.Get(ctx, w); return err })
	}
	if err := v.together(calls...); err != nil {
		return nil, err
	}
	p.Stats = *stats[p.Window]
	p.Chart = newChart(&p.Stats, 800, 180)
	if took := p.Stats.To.Sub(p.Stats.From).Seconds(); took > 0 {
		p.PerSecond = float64(p.Stats.Deliveries.Total) / took
	}
	// The finest series that has all of what waits tells its age best.
	month := stats[client.Window30d]
	p.Waiting = month.Deliveries.Pending
	p.WaitingSince = oldestPending(month)
	for _, s := range []*client.Stats{&p.Stats, stats[client.Window1h]} {
		if s.Deliveries.Pending >= p.Waiting {
			p.WaitingSince = oldestPending(s)
		}
	}
	return p, nil
}

// oldestPending is the zero time when nothing is.
func oldestPending(s *client.Stats) time.Time {
	for _, part := range s.Series {
		if part.Pending > 0 {
			return part.From
		}
	}
	return time.Time{}
}

// sick finds the endpoints that are not well, those first that get nothing.
func (p *overviewPage) sick(ctx context.Context, v *visit) error {
	if !p.CanSee {
		return nil
	}
	for _, state := range []client.EndpointState{client.EndpointBreakerOpen, client.EndpointFailing} {
		f := client.EndpointFilter{State: state, Limit: looked}
		all, err := v.api.Endpoints.FindHealth(ctx, f)
		if err != nil {
			return err
		}
		if len(all.Data) == 0 {
			continue
		}
		p.More += len(all.Data)
		p.MoreThan = p.MoreThan || all.NextCursor != nil
		if f.Limit = shownUnhealthy - len(p.Unhealthy); f.Limit == 0 {
			continue
		}
		named, err := v.api.Endpoints.Find(ctx, f)
		if err != nil {
			return err
		}
		p.show(all.Data, named.Data)
	}
	if err := p.givenUp(ctx, v); err != nil {
		return err
	}
	p.More -= len(p.Unhealthy)
	return nil
}

// givenUp finds the endpoints that were disabled because of how they answered: those
// that somebody disabled are well as they are.
func (p *overviewPage) givenUp(ctx context.Context, v *visit) error {
	all, err := v.api.Endpoints.Find(ctx, client.EndpointFilter{State: client.EndpointDisabled, Limit: looked})
	if err != nil {
		return err
	}
	found := 0
	for i := range all.Data {
		e := &all.Data[i]
		why := gaveUp(e.DisabledReason)
		if why == "" {
			continue
		}
		if found++; len(p.Unhealthy) < shownUnhealthy {
			h := client.EndpointHealth{EndpointID: e.ID, State: client.EndpointDisabled, FailingSince: e.DisabledAt}
			p.Unhealthy = append(p.Unhealthy, unhealthy{h, e.URL, why})
		}
	}
	p.More += found
	switch {
	case found > 0:
		p.MoreThan = p.MoreThan || all.NextCursor != nil
	case all.NextCursor != nil:
		p.Well = "None of those that were looked at."
	case len(p.Unhealthy) == 0:
		return p.well(ctx, v)
	}
	return nil
}

// gaveUp is why an endpoint was disabled by itself, "" where somebody did it.
func gaveUp(reason *client.DisabledReason) string {
	if reason == nil {
		return ""
	}
	switch *reason {
	case client.DisabledFailing:
		return "it kept failing"
	case client.DisabledGone:
		return "it answered 410 Gone"
	}
	return ""
}

func (p *overviewPage) well(ctx context.Context, v *visit) error {
	newest, err := v.api.Endpoints.List(ctx, client.ListOptions{Limit: 1})
	p.Well = "All endpoints are well."
	if len(newest.Data) == 0 {
		p.Well = "There are no endpoints yet."
	}
	return err
}

// show takes those whose URLs are known: an endpoint may have got well in between.
func (p *overviewPage) show(all []client.EndpointHealth, named []client.Endpoint) {
	for _, e := range named {
		for _, h := range all {
			if h.EndpointID == e.ID {
				p.Unhealthy = append(p.Unhealthy, unhealthy{h, e.URL, ""})
			}
		}
	}
}
