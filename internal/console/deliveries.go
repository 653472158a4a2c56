package console

import (
	"bytes"
	"context"
	"hash/fnv"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/postrider/postrider/client"
	"github.com/postrider/postrider/internal/webhook"
)

func deliveriesPages() []page {
	const all = inWorkspace + "/deliveries"
	return []page{
		{method: "GET", path: all, scope: webhook.ScopeDeliveriesRead, handle: listDeliveries},
		{method: "GET", path: all + "/live", scope: webhook.ScopeDeliveriesRead, long: true, handle: followDeliveries},
		{method: "POST", path: all + "/replay", scope: webhook.ScopeDeliveriesWrite, handle: replayChosen},
		{method: "GET", path: all + "/replay", scope: webhook.ScopeEndpointsWrite, long: true, handle: askReplay},
		{method: "POST", path: all + "/replay-all", scope: webhook.ScopeEndpointsWrite, long: true, handle: replayMatching},
	}
}

const (
	// deliveriesOnPage is also what a live page holds at most.
	deliveriesOnPage = 50
	// deliveriesEvery is how often a live page is looked at although no attempt was
	// made: what is held, canceled or replayed makes none.
	deliveriesEvery = 2 * time.Second
	// endpointsInFilter are the newest ones, which can be chosen from.
	endpointsInFilter = 250
)

// deliveriesPage is templates/pages/deliveries.html's.
type deliveriesPage struct {
	Filter    *deliveryFilter
	Chips     []chip
	Endpoints []option
	Rows      []deliveryRow
	Next      *string
	// Live says whether what comes belongs to the page: it is the first, and does not
	// end before now.
	Live bool
	// Once tells one sending of the form from another.
	Once string
	urls map[string]string // of endpoints
}

func listDeliveries(v *visit) error {
	f := readDeliveryFilter(v.r, v.c.cfg.Now())
	if strings.HasPrefix(f.ID, webhook.DeliveryPrefix) {
		return v.redirect("/deliveries/" + url.PathEscape(f.ID))
	}
	p := &deliveriesPage{Filter: f, Once: webhook.NewToken(), urls: map[string]string{}}
	status := http.StatusOK
	if err := p.load(v); f.refused(err) || len(f.Errors) > 0 {
		status, p.Rows, p.Next = http.StatusUnprocessableEntity, nil, nil
	} else if err != nil {
		return err
	}
	p.Live = status == http.StatusOK && v.cursor() == "" && f.Until == ""
	p.Chips = f.chips(v.r.URL.Path, p.urls)
	return v.renderAs(status, "deliveries", "Deliveries", p)
}

// followDeliveries sends the list anew when there was an attempt.
func followDeliveries(v *visit) error {
	f := readDeliveryFilter(v.r, v.c.cfg.Now())
	p := &deliveriesPage{Filter: f, urls: map[string]string{}, Live: true}
	changed, stop := v.attempts(client.StreamOptions{Types: typesOf(f), Endpoint: f.Endpoint})
	defer stop()
	return v.follow("rows", changed, deliveriesEvery, func(out *bytes.Buffer) error {
		f.now = v.c.cfg.Now()
		if err := p.rows(v.ctx(), v); err != nil {
			return err
		}
		if err := p.findURLs(v); err != nil {
			return err
		}
		return v.part(out, "deliveries", "list", p)
	})
}

func typesOf(f *deliveryFilter) []string {
	if f.Type == "" {
		return nil
	}
	return []string{f.Type}
}

// load reads the list and what can be chosen from at the same time.
func (p *deliveriesPage) load(v *visit) error {
	q := p.Filter.query()
	if len(p.Filter.Errors) > 0 {
		return p.choices(v.ctx(), v)
	}
	err := v.together(
		func(ctx context.Context) error { return p.choices(ctx, v) },
		func(ctx context.Context) error { return p.ask(ctx, v, q) },
	)
	if err != nil {
		return err
	}
	return p.findURLs(v)
}

func (p *deliveriesPage) rows(ctx context.Context, v *visit) error {
	return p.ask(ctx, v, p.Filter.query())
}

func (p *deliveriesPage) ask(ctx context.Context, v *visit, q client.DeliveryFilter) error {
	q.Limit, q.Cursor = deliveriesOnPage, v.cursor()
	all, err := v.api.Deliveries.List(ctx, q)
	if err != nil {
		return err
	}
	p.Next, p.Rows = all.NextCursor, make([]deliveryRow, len(all.Data))
	for i, d := range all.Data {
		p.Rows[i] = deliveryRow{Delivery: d}
	}
	return nil
}

// choices are the endpoints that can be chosen.
func (p *deliveriesPage) choices(ctx context.Context, v *visit) error {
	if !v.May("endpoints:read") {
		return nil
	}
	all, err := v.api.Endpoints.List(ctx, client.ListOptions{Limit: endpointsInFilter})
	if err != nil {
		return err
	}
	for i := range all.Data {
		e := &all.Data[i]
		p.urls[e.ID] = e.URL
		p.Endpoints = append(p.Endpoints, option{e.ID, e.URL, e.ID == p.Filter.Endpoint})
	}
	return nil
}

// findURLs looks up the endpoints that are not among those that can be chosen. What was
// deleted has no URL any more.
func (p *deliveriesPage) findURLs(v *visit) error {
	wanted := []string{p.Filter.Endpoint}
	for i := range p.Rows {
		wanted = append(wanted, p.Rows[i].EndpointID)
	}
	found, err := v.endpointURLs(p.urls, wanted)
	if err != nil {
		return err
	}
	p.urls = found
	for i := range p.Rows {
		p.Rows[i].URL = found[p.Rows[i].EndpointID]
	}
	if f := p.Filter; f.Endpoint != "" && !slices.ContainsFunc(p.Endpoints, func(o option) bool { return o.Current }) {
		text := found[f.Endpoint]
		if text == "" {
			text = f.Endpoint
		}
		p.Endpoints = append(p.Endpoints, option{f.Endpoint, text, true})
	}
	return nil
}

// endpointURLs adds to known the URLs of the wanted endpoints, "" for those that nobody
// has.
func (v *visit) endpointURLs(known map[string]string, wanted []string) (map[string]string, error) {
	slices.Sort(wanted)
	wanted = slices.DeleteFunc(slices.Compact(wanted), func(id string) bool {
		_, there := known[id]
		return there || id == ""
	})
	if len(wanted) == 0 || !v.May("endpoints:read") {
		return known, nil
	}
	urls := make([]string, len(wanted))
	calls := make([]func(context.Context) error, len(wanted))
	for i, id := range wanted {
		calls[i] = func(ctx context.Context) error {
			e, err := v.api.Endpoints.Get(ctx, id)
			if client.CodeOf(err) == client.CodeNotFound {
				return nil
			}
			urls[i] = e.URL
			return err
		}
	}
	err := v.together(calls...)
	for i, id := range wanted {
		known[id] = urls[i]
	}
	return known, err
}

// Version tells a row from what it was.
func (r *deliveryRow) Version() string {
	h := fnv.New32a()
	for _, part := range []string{string(r.Status), strconv.Itoa(r.Attempts), r.Outcome(), r.Held(), r.URL} {
		_, _ = h.Write([]byte(part + "\x00"))
	}
	for _, at := range []*time.Time{r.NextAttemptAt, r.CompletedAt, r.HeldUntil} {
		if at != nil {
			_, _ = h.Write([]byte(at.String()))
		}
	}
	return strconv.FormatUint(uint64(h.Sum32()), 36)
}

// Replayable says whether all that match can be said as a replay: an endpoint's, by
// status, type and time.
func (p *deliveriesPage) Replayable() bool {
	f := p.Filter
	ended := f.Status != "" && f.Status != string(client.DeliveryPending)
	return ended && f.Endpoint != "" && f.Answer == "" && f.ID == "" && len(p.Rows) > 0
}
