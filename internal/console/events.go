package console

import (
	"context"
	"net/http"
	"strings"
	"time"

	"github.com/postrider/postrider/client"
	"github.com/postrider/postrider/internal/webhook"
)

// No id of a caller has a slash unescaped, so that what stands between two is nobody's.
func eventsPages() []page {
	const all = inWorkspace + "/events"
	return []page{
		{method: "GET", path: all, scope: webhook.ScopeEventsRead, handle: listEvents},
		{method: "GET", path: all + "/-/new", scope: webhook.ScopeEventsWrite, noPortal: true, handle: newEvent},
		{method: "POST", path: all + "/check", scope: webhook.ScopeEventsWrite, noPortal: true, handle: checkEvent},
		{method: "POST", path: all, scope: webhook.ScopeEventsWrite, noPortal: true, handle: publishEvent},
		{method: "GET", path: all + "/{id}", scope: webhook.ScopeEventsRead, handle: showEvent},
		{method: "GET", path: all + "/{id}/live", scope: webhook.ScopeDeliveriesRead, long: true, handle: liveEvent},
		{method: "GET", path: all + "/{id}/payload", scope: webhook.ScopeEventsRead, handle: downloadPayload},
		{method: "GET", path: all + "/{id}/explain", scope: webhook.ScopeEventsRead, handle: explainEvent},
		{method: "POST", path: all + "/{id}/replay", scope: webhook.ScopeDeliveriesWrite, handle: replayEvent},
	}
}

const (
	// eventsOnPage keeps a page of events, whose payloads come with them, quick.
	eventsOnPage = 25
	// typesOffered are those of the catalogue that a field offers.
	typesOffered = 250
)

// eventsPage is templates/pages/events.html's. The filters are as they were typed.
type eventsPage struct {
	Type, ID, Since, Until string
	Wrong                  mistakes
	Rows                   []client.Event
	Next                   *string
	Types                  []client.EventType
	CanPublish             bool
}

// Filtered says whether the list is narrowed.
func (p *eventsPage) Filtered() bool { return p.Type+p.ID+p.Since+p.Until != "" }

func listEvents(v *visit) error {
	query := v.r.URL.Query()
	p := &eventsPage{
		Type: strings.TrimSpace(query.Get("type")), ID: strings.TrimSpace(query.Get("id")), Since: query.Get("since"), Until: query.Get("until"),
		Wrong: mistakes{}, CanPublish: v.canPublish(),
	}
	if p.ID != "" {
		return p.lead(v)
	}
	f := client.EventFilter{Type: p.Type, Limit: eventsOnPage, Cursor: v.cursor()}
	f.Since, f.Until = p.Wrong.readTime("since", p.Since), p.Wrong.readTime("until", p.Until)
	if len(p.Wrong) > 0 {
		return p.show(v, http.StatusUnprocessableEntity)
	}
	err := v.together(
		func(ctx context.Context) (err error) { p.Types, err = v.knownTypes(ctx); return err },
		func(ctx context.Context) error {
			got, err := v.api.Events.List(ctx, f)
			p.Rows, p.Next = got.Data, got.NextCursor
			return err
		},
	)
	if p.Wrong.refused(err, "type", "since", "until") {
		return p.show(v, http.StatusUnprocessableEntity)
	}
	if err != nil {
		return err
	}
	return p.show(v, http.StatusOK)
}

// lead goes to the one event that has the id, whoever chose it.
func (p *eventsPage) lead(v *visit) error {
	e, err := v.api.Events.Get(v.ctx(), p.ID)
	if client.CodeOf(err) == client.CodeNotFound || strings.Trim(p.ID, ".") == "" { // dots would make another path
		p.Wrong.add("id", "is no event's that is kept")
		return p.show(v, http.StatusNotFound)
	}
	if err != nil {
		return err
	}
	return v.redirect("/events/" + e.ID)
}

func (p *eventsPage) show(v *visit, status int) error {
	return v.renderAs(status, "events", "Events", p)
}

// canPublish says whether events may be published here. A customer's portal shows
// what their workspace gets; the producer alone says what happened.
func (v *visit) canPublish() bool { return v.May(string(webhook.ScopeEventsWrite)) && !v.Portal() }

// knownTypes are the catalogue's newest, none for who may not see it.
func (v *visit) knownTypes(ctx context.Context) ([]client.EventType, error) {
	if !v.May(string(webhook.ScopeEndpointsRead)) {
		return nil, nil
	}
	got, err := v.api.EventTypes.List(ctx, client.ListOptions{Limit: typesOffered})
	return got.Data, err
}

// readTime reads what a field for a time sends, which has no zone: it is UTC, as the
// field says. The zero time is for none.
func (m mistakes) readTime(field, text string) time.Time {
	if text == "" {
		return time.Time{}
	}
	for _, layout := range []string{"2006-01-02T15:04", "2006-01-02T15:04:05", time.RFC3339} {
		if t, err := time.Parse(layout, text); err == nil {
			return t
		}
	}
	m.add(field, "must be a time such as 2026-01-31T17:30")
	return time.Time{}
}
