package console

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"net/http"
	"strings"
	"time"

	"github.com/postrider/postrider/client"
	"github.com/postrider/postrider/internal/remedy"
	"github.com/postrider/postrider/internal/webhook"
)

const (
	// deliveriesOfEvent are on a page, and are looked at by its live updates.
	deliveriesOfEvent = 25
	eventEvery        = time.Second
	// endpointsOffered are the newest of the workspace, to choose one from.
	endpointsOffered = 100
)

// eventPage is templates/pages/event.html's.
type eventPage struct {
	Event   client.Event
	Tabs    []tab
	Payload *shownJSON
	// Sees says whether the reader may see deliveries, CanReplay whether make new ones.
	Sees, CanReplay bool
	Deliveries      []eventDelivery
	Next            *string
	Endpoints       []client.Endpoint // to replay to
	Once            string            // tells one sending of the form from another
}

// eventDelivery is one with where it goes.
type eventDelivery struct {
	client.Delivery
	URL string // "" where it is not known
}

// Held is why it is not being tried, "" for nothing.
func (d *eventDelivery) Held() string {
	if d.HeldReason == nil {
		return ""
	}
	return cmp.Or(remedy.Held(*d.HeldReason).Means, string(*d.HeldReason))
}

// Ours says whether the event's id was generated.
func (p *eventPage) Ours() bool { return strings.HasPrefix(p.Event.ID, webhook.EventPrefix) }

// HappenedElsewhen says whether its publisher told another time than ours.
func (p *eventPage) HappenedElsewhen() bool {
	return p.Event.AcceptedAt.Sub(p.Event.CreatedAt).Abs() >= time.Second
}

// Matched is how many endpoints wanted it when it was accepted.
func (p *eventPage) Matched() string { return plural(int64(p.Event.Deliveries), "endpoint") }

// Pending counts, of those on the page, what is on its way.
func (p *eventPage) Pending() (n int) { return p.count(client.DeliveryPending) }

// Delivered counts, of those on the page, what was taken.
func (p *eventPage) Delivered() (n int) { return p.count(client.DeliverySuccess) }

func (p *eventPage) count(s client.DeliveryStatus) (n int) {
	for i := range p.Deliveries {
		if p.Deliveries[i].Status == s {
			n++
		}
	}
	return n
}

func showEvent(v *visit) error {
	p := &eventPage{Sees: v.May("deliveries:read"), Once: webhook.NewToken()}
	var err error
	if p.Event, err = v.api.Events.Get(v.ctx(), v.pathID()); err != nil {
		return err
	}
	p.Payload = newShownJSON(p.Event.Data)
	p.CanReplay = v.May("deliveries:write") && p.Payload != nil
	p.Tabs = eventTabs(v, p.Event.ID, "")
	err = v.together(
		func(ctx context.Context) error { return p.readDeliveries(ctx, v) },
		func(ctx context.Context) (err error) {
			if p.CanReplay {
				p.Endpoints, err = v.offeredEndpoints(ctx)
			}
			return err
		},
	)
	if err != nil {
		return err
	}
	v.at(crumb{"Events", v.Home() + "/events"})
	return v.render("event", p.Event.Type, p)
}

// eventTabs are the parts of an event's page.
func eventTabs(v *visit, id, current string) []tab {
	at := v.Home() + "/events/" + id
	return []tab{
		{"Event and deliveries", at, current == ""},
		{"Who got it, and why not", at + "/explain", current == "explain"},
	}
}

// readDeliveries asks for a page of them, and for where they go.
func (p *eventPage) readDeliveries(ctx context.Context, v *visit) error {
	if !p.Sees {
		return nil
	}
	got, err := v.api.Events.Deliveries(ctx, v.pathID(), client.EventDeliveryFilter{Limit: deliveriesOfEvent, Cursor: v.cursor()})
	if err != nil {
		return err
	}
	p.Next, p.Deliveries = got.NextCursor, make([]eventDelivery, len(got.Data))
	ids := make([]string, len(got.Data))
	for i := range got.Data {
		ids[i] = got.Data[i].EndpointID
	}
	urls, err := v.endpointURLs(map[string]string{}, ids)
	for i := range got.Data {
		p.Deliveries[i] = eventDelivery{got.Data[i], urls[got.Data[i].EndpointID]}
	}
	return err
}

// liveEvent shows deliveries as they change, until none of them is on its way.
func liveEvent(v *visit) error {
	return v.stream("deliveries", eventEvery, func(out *bytes.Buffer) error {
		p := &eventPage{Sees: true, Event: client.Event{ID: v.pathID()}}
		if err := p.readDeliveries(v.ctx(), v); err != nil {
			return err
		}
		if err := v.part(out, "event", "deliveries", p); err != nil || p.Pending() > 0 {
			return err
		}
		return errSettled
	})
}

// downloadPayload gives the payload's bytes, as a file: a browser is not to show what
// a stranger wrote as if it came from here.
func downloadPayload(v *visit) error {
	e, err := v.api.Events.Get(v.ctx(), v.pathID())
	if err != nil {
		return err
	}
	if newShownJSON(e.Data) == nil {
		return &problem{Status: http.StatusNotFound, Title: "The payload is no longer kept", Detail: v.forWho("Payloads are kept as long as retention.payloads says.", "Payloads are kept for a shorter time than deliveries.")}
	}
	v.w.Header().Set("Content-Type", "application/json")
	v.w.Header().Set("Content-Disposition", `attachment; filename="`+e.ID+`.json"`) // an id has no quotes
	_, _ = v.w.Write(e.Data)                                                        // fails only when the reader is gone
	return nil
}

// replayEvent delivers an event again, to all that match it now or to one endpoint.
func replayEvent(v *visit) error {
	var in client.EventReplayInput
	if to := v.r.PostFormValue("endpoint_id"); to != "" {
		in.EndpointIDs = []string{to}
	}
	ctx := v.ctx()
	if once := v.r.PostFormValue("once"); once != "" { // who sends the form twice has one replay
		ctx = client.WithIdempotencyKey(ctx, once)
	}
	replay, err := v.api.Events.Replay(ctx, v.pathID(), in)
	if e := (*client.Error)(nil); errors.As(err, &e) && len(e.Errors) > 0 {
		return &problem{Status: e.Status, Title: "It can't be replayed there", Detail: "The endpoint " + e.Errors[0].Detail + "."}
	}
	if err != nil {
		return err
	}
	return v.redirect("/replays/" + replay.ID)
}

// offeredEndpoints are the newest, none for who may not see them.
func (v *visit) offeredEndpoints(ctx context.Context) ([]client.Endpoint, error) {
	if !v.May(string(webhook.ScopeEndpointsRead)) {
		return nil, nil
	}
	got, err := v.api.Endpoints.List(ctx, client.ListOptions{Limit: endpointsOffered})
	return got.Data, err
}
