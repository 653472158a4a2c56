package console

import (
	"context"
	"net/http"
	"slices"
	"time"

	"github.com/postrider/postrider/client"
	"github.com/postrider/postrider/internal/remedy"
	"github.com/postrider/postrider/internal/webhook"
)

func deliveryPages() []page {
	const one = inWorkspace + "/deliveries/{id}"
	return []page{
		{method: "GET", path: one, scope: webhook.ScopeDeliveriesRead, handle: showDelivery},
		{method: "GET", path: one + "/live", scope: webhook.ScopeDeliveriesRead, long: true, handle: deliveryLive},
		{method: "GET", path: one + "/body", scope: webhook.ScopeEventsRead, handle: downloadBody},
		{method: "POST", path: one + "/retry", scope: webhook.ScopeDeliveriesWrite, handle: retryDelivery},
		{method: "POST", path: one + "/cancel", scope: webhook.ScopeDeliveriesWrite, handle: cancelDelivery},
		{method: "POST", path: one + "/replay", scope: webhook.ScopeDeliveriesWrite, handle: replayDelivery},
		{method: "POST", path: one + "/verify", scope: webhook.ScopeEndpointsWrite, handle: verifyDelivery},
	}
}

// attemptsOnPage bounds a page: each attempt has up to 64 KiB of a stranger's answer.
const attemptsOnPage = 10

// deliveryPage is templates/pages/delivery.html's.
type deliveryPage struct {
	client.Delivery
	// Endpoint is nil where it was deleted, which Gone says, or is not the reader's to see.
	Endpoint *client.Endpoint
	Gone     bool
	Attempts []attemptView
	Next     *string // older attempts
	// Sent is the body of the newest attempt's request, or what is to be sent; nil
	// where it is not the reader's to see.
	Sent *client.DeliveryRequest
	Body *bodyView
	Form *verifyForm
	// Once tells one sending of the replay's form from another.
	Once     string
	now      time.Time
	customer bool // is who reads
}

// Pending says whether the page is to be kept up to date.
func (p *deliveryPage) Pending() bool { return p.Status == client.DeliveryPending }

// Retryable says whether a retry may start a fresh schedule.
func (p *deliveryPage) Retryable() bool { return retryable(&p.Delivery) }

func retryable(d *client.Delivery) bool {
	return d.Status == client.DeliveryFailed || d.Status == client.DeliveryCanceled
}

// PayloadGone says that there is nothing left to be sent again, as far as the reader
// may know.
func (p *deliveryPage) PayloadGone() bool { return p.Sent != nil && p.Sent.Body == nil }

// Repeatable says whether it is worth trying to send it again.
func (p *deliveryPage) Repeatable() bool { return !p.Gone && !p.PayloadGone() }

// Held is why it waits, in words.
func (p *deliveryPage) Held() *remedy.Remedy {
	if p.HeldReason == nil {
		return nil
	}
	r := remedy.Held(*p.HeldReason)
	if p.customer {
		r = r.ForCustomer()
	}
	return &r
}

// Wait is how long it is until the next attempt, for who has no script.
func (p *deliveryPage) Wait() string {
	if p.NextAttemptAt == nil {
		return ""
	}
	if wait := p.NextAttemptAt.Sub(p.now); wait >= time.Second {
		return "in " + span(wait)
	}
	return "any moment"
}

// NextNumber is the next attempt's.
func (p *deliveryPage) NextNumber() int { return p.Delivery.Attempts + 1 }

// Numbers are the attempts' that are shown. While secrets rotate two may share one.
func (p *deliveryPage) Numbers() []int {
	var out []int
	for i := range p.Attempts {
		out = append(out, p.Attempts[i].Number)
	}
	return slices.Compact(out)
}

// Left is how many attempts the present schedule has yet, the next one included; 0
// where nobody here knows the schedule.
func (p *deliveryPage) Left() int {
	if p.Endpoint == nil || !p.Pending() {
		return 0
	}
	return max(1, len(p.Endpoint.RetrySchedule)+1-(p.Delivery.Attempts-p.ScheduleStart))
}

// After is Left without the next one.
func (p *deliveryPage) After() int64 { return int64(max(0, p.Left()-1)) }

func showDelivery(v *visit) error {
	p, err := readDelivery(v)
	if err != nil {
		return err
	}
	return p.show(v, http.StatusOK)
}

func (p *deliveryPage) show(v *visit, status int) error {
	v.at(crumb{"Deliveries", v.Home() + "/deliveries"})
	return v.renderAs(status, "delivery", "Delivery of "+p.Type, p)
}

func readDelivery(v *visit) (*deliveryPage, error) {
	p := &deliveryPage{now: v.c.cfg.Now(), customer: v.Portal(), Once: webhook.NewToken(), Form: &verifyForm{}}
	var attempts client.Page[client.Attempt]
	err := v.together(
		func(ctx context.Context) (err error) {
			p.Delivery, err = v.api.Deliveries.Get(ctx, v.pathID())
			return err
		},
		func(ctx context.Context) (err error) {
			attempts, err = v.api.Deliveries.Attempts(ctx, v.pathID(), client.ListOptions{Limit: attemptsOnPage, Cursor: v.cursor()})
			return err
		},
	)
	if err != nil {
		return nil, err
	}
	p.Next = attempts.NextCursor
	bodies := &sentBodies{v: v, id: p.ID, by: map[string]*client.DeliveryRequest{}}
	err = v.together(
		func(ctx context.Context) error { return p.readEndpoint(ctx, v) },
		func(ctx context.Context) error { return bodies.read(ctx, attempts.Data) },
	)
	if err != nil {
		return nil, err
	}
	p.Sent = bodies.newest
	if p.Sent != nil && p.Sent.Body != nil {
		p.Body = newBodyView([]byte(*p.Sent.Body))
	}
	for i := range attempts.Data {
		p.Attempts = append(p.Attempts, p.attempt(&attempts.Data[i], bodies, i == 0 && v.cursor() == ""))
	}
	return p, nil
}

// readEndpoint leaves it nil where it is deleted or not to be seen.
func (p *deliveryPage) readEndpoint(ctx context.Context, v *visit) error {
	if !v.May("endpoints:read") {
		return nil
	}
	e, err := v.api.Endpoints.Get(ctx, p.EndpointID)
	if client.CodeOf(err) == client.CodeNotFound {
		p.Gone = true
		return nil
	}
	p.Endpoint = &e
	return err
}
