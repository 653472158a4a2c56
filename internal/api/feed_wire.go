package api

import (
	"encoding/json"
	"time"

	"github.com/postrider/postrider/internal/webhook"
)

type feedWire struct {
	Data       []feedEventWire `json:"data" doc:"Oldest first."`
	NextCursor string          `json:"next_cursor" doc:"For ?cursor= of the next page. There always is one: it is where to go on later."`
	HasMore    bool            `json:"has_more" doc:"Whether there is more to read now."`
}

type feedEventWire struct {
	ID         string          `json:"id" pattern:"^[A-Za-z0-9_-]{1,128}$" doc:"The event's, as in X-Webhook-ID: what to know it by if it came before." example:"evt_01hm6cfy60nw8f6cdyx4kb5s3r"`
	Type       string          `json:"type" pattern:"^[A-Za-z0-9_-]+(\\.[A-Za-z0-9_-]+)*$" doc:"As in X-Webhook-Event." example:"post.created"`
	CreatedAt  time.Time       `json:"created_at" doc:"As published; part of the payload."`
	AcceptedAt time.Time       `json:"accepted_at" doc:"What the feed goes by."`
	DeliverAt  *time.Time      `json:"deliver_at" doc:"When it is to be delivered; null where that is at once."`
	DeliveryID *string         `json:"delivery_id" pattern:"^dlv_[0-7][0-9a-hjkmnp-tv-z]{25}$" doc:"Its last delivery to the endpoint; null where there was none." example:"dlv_01hm6cfy60nw8f6cdyx4kb5s3r"`
	Status     *string         `json:"status" enum:"pending,success,failed,canceled" doc:"What became of that delivery; null without one."`
	Payload    json.RawMessage `json:"payload" nullable:"true" doc:"What the body of its requests is, in the endpoint's format; null once it is no longer kept." example:"{\"id\":\"evt_01hm6cfy60nw8f6cdyx4kb5s3r\",\"type\":\"post.created\",\"created_at\":\"2024-01-15T10:30:00Z\",\"data\":{\"object\":{\"id\":123}},\"workspace_id\":456}"`
}

func renderFeed(p *webhook.CatchUpPage, e *webhook.Endpoint) feedWire {
	out := feedWire{Data: make([]feedEventWire, len(p.Events)), NextCursor: *encodeCursor(p.Position[:]), HasMore: p.More}
	for i := range p.Events {
		out.Data[i] = renderFeedEvent(&p.Events[i], e)
	}
	return out
}

func renderFeedEvent(c *webhook.CaughtUp, e *webhook.Endpoint) feedEventWire {
	out := feedEventWire{ID: c.PublicID(), Type: c.Type, CreatedAt: c.CreatedAt, AcceptedAt: c.ID.Time(), Status: orNull(string(c.Status))}
	if !c.DeliverAt.IsZero() {
		out.DeliverAt = &c.DeliverAt
	}
	if !c.DeliveryID.IsZero() {
		out.DeliveryID = orNull(c.DeliveryID.Format(webhook.DeliveryPrefix))
	}
	if c.Body != nil {
		out.Payload = e.Format.Body(c.Body, c.PublicID(), c.Type, c.WorkspaceID)
	}
	return out
}
