package console

import (
	"context"

	"github.com/postrider/postrider/client"
)

// deliveriesOnTab is a page of an endpoint's deliveries.
const deliveriesOnTab = 20

// endpointDeliveriesPage is templates/pages/endpoint-deliveries.html's.
type endpointDeliveriesPage struct {
	ofEndpoint
	Status     client.DeliveryStatus
	Deliveries client.Page[client.Delivery]
}

// Statuses are what the list may be narrowed to.
func (p *endpointDeliveriesPage) Statuses() []client.DeliveryStatus {
	return []client.DeliveryStatus{client.DeliveryFailed, client.DeliveryPending, client.DeliverySuccess, client.DeliveryCanceled}
}

func endpointDeliveries(v *visit) error {
	p := &endpointDeliveriesPage{}
	for _, s := range p.Statuses() {
		if string(s) == v.r.URL.Query().Get("status") {
			p.Status = s
		}
	}
	f := client.EventDeliveryFilter{Status: p.Status, Limit: deliveriesOnTab, Cursor: v.cursor()}
	err := v.together(
		func(ctx context.Context) (err error) {
			p.ofEndpoint, err = v.ofEndpoint(ctx, "/deliveries")
			return err
		},
		func(ctx context.Context) (err error) {
			p.Deliveries, err = v.api.Endpoints.Deliveries(ctx, v.pathID(), f)
			return err
		},
	)
	if err != nil {
		return err
	}
	return v.render("endpoint-deliveries", p.Title(), p)
}
