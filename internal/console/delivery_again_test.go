package console_test

import (
	"testing"
	"time"

	"github.com/postrider/postrider/client"
	"github.com/postrider/postrider/internal/postgres"
	"github.com/postrider/postrider/internal/webhook"
)

// canceled is a delivery that can be retried, and its endpoint.
func (b *bundle) canceled() (client.Delivery, client.Endpoint) {
	b.t.Helper()
	ctx, c := b.t.Context(), b.api()
	e, err := c.Endpoints.Create(ctx, client.EndpointInput{URL: "https://example.com/hook", Events: []string{"*"}})
	if err != nil {
		b.t.Fatal(err)
	}
	if _, err := c.Events.Publish(ctx, client.NewEvent{Type: "post.created", Data: map[string]any{"id": 1}}); err != nil {
		b.t.Fatal(err)
	}
	all, err := c.Deliveries.List(ctx, client.DeliveryFilter{})
	if err != nil || len(all.Data) != 1 {
		b.t.Fatalf("got %+v, %v", all, err)
	}
	d, err := c.Deliveries.Cancel(ctx, all.Data[0].ID)
	if err != nil {
		b.t.Fatal(err)
	}
	return d, e
}

func TestADeliveryWhosePayloadIsGoneIsNotOfferedAgain(t *testing.T) {
	t.Parallel()
	b := setup(t)
	d, _ := b.canceled()
	w := b.browser()
	w.signIn(b.key)
	path := "/console/w/acme/deliveries/" + d.ID
	w.get(path).want(200, "Retry now")
	if err := postgres.NewRetention(b.db).DropBodies(t.Context(), d.CreatedAt.UTC().Truncate(24*time.Hour)); err != nil {
		t.Fatal(err)
	}
	w.get(path).want(200, "The payload is no longer kept").lacks("Retry now", path+"/replay")
	// Who opened the page before, or may not see payloads, is told why.
	w.do("POST", path+"/retry", nil).want(409, "It can’t be delivered again", "The event&#39;s payload is no longer kept.")
}

func TestADeliveryWhoseEndpointIsNotTheReadersToSeeIsRetried(t *testing.T) {
	t.Parallel()
	b := setup(t)
	d, e := b.canceled()
	w, whole := b.browser(), b.browser()
	w.signIn(b.keyOf(webhook.ScopeDeliveriesRead, webhook.ScopeDeliveriesWrite))
	whole.signIn(b.key)
	path := "/console/w/acme/deliveries/" + d.ID
	w.get(path).want(200, "Retry now").lacks("It was deleted.")
	if err := b.api().Endpoints.Delete(t.Context(), e.ID); err != nil {
		t.Fatal(err)
	}
	whole.get(path).want(200, "It was deleted.").lacks("Retry now")
	w.do("POST", path+"/retry", nil).want(409, "It can’t be delivered again", "endpoint was deleted")
}
