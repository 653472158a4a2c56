package operations

import (
	"encoding/json"
	"fmt"
	"net/url"
	"time"

	"github.com/postrider/postrider/internal/webhook"
)

// idPrefix begins the published events' ids. They are made of the outbox's, so an
// event that is published twice is known by its id.
const idPrefix = "op_"

// payload is the data of an operational event; docs/operational-events.md has it
// for those who receive it. What is not known is left out.
type payload struct {
	WorkspaceID webhook.WorkspaceID `json:"workspace_id"`
	EndpointID  string              `json:"endpoint_id"`
	URLHost     string              `json:"url_host,omitempty"`
	DeliveryID  string              `json:"delivery_id,omitempty"`
	EventID     string              `json:"event_id,omitempty"`
	EventType   string              `json:"event_type,omitempty"`
	webhook.OperationDetail
	Deliveries int    `json:"deliveries,omitempty"`
	Day        string `json:"day,omitempty"`
}

func eventOf(o *webhook.Operation) (webhook.NewEvent, error) {
	p := payload{
		WorkspaceID: o.WorkspaceID, EndpointID: o.EndpointID.Format(webhook.EndpointPrefix), URLHost: hostOf(o.URL),
		EventID: o.EventID, EventType: o.EventType, OperationDetail: o.Detail, Deliveries: o.Deliveries,
	}
	if !o.DeliveryID.IsZero() {
		p.DeliveryID = o.DeliveryID.Format(webhook.DeliveryPrefix)
	}
	if !o.Day.IsZero() {
		p.Day = o.Day.Format(time.DateOnly)
	}
	if since := p.FailingSince; since != nil {
		utc := since.UTC()
		p.FailingSince = &utc
	}
	data, err := json.Marshal(p)
	if err != nil {
		return webhook.NewEvent{}, fmt.Errorf("operational event %s: %w", o.ID, err)
	}
	return webhook.NewEvent{ID: o.ID.Format(idPrefix), Type: o.Type, CreatedAt: o.OccurredAt, Data: data}, nil
}

// hostOf is all of a URL that is told: what else is in it may be secret.
func hostOf(raw string) string {
	u, err := url.Parse(raw)
	if err != nil {
		return ""
	}
	return u.Host
}
