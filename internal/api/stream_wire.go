package api

import (
	"encoding/json"
	"time"

	"github.com/postrider/postrider/internal/live"
	"github.com/postrider/postrider/internal/webhook"
)

type streamEventWire struct {
	ID         string          `json:"id" pattern:"^[A-Za-z0-9_-]{1,128}$" doc:"The event's, as in X-Webhook-ID: what to know it by if it came before." example:"evt_01hm6cfy60nw8f6cdyx4kb5s3r"`
	Type       string          `json:"type" pattern:"^[A-Za-z0-9_-]+(\\.[A-Za-z0-9_-]+)*$" doc:"As in X-Webhook-Event." example:"post.created"`
	CreatedAt  time.Time       `json:"created_at" doc:"As published; part of the payload."`
	AcceptedAt time.Time       `json:"accepted_at" doc:"When it was accepted."`
	DeliverAt  *time.Time      `json:"deliver_at" doc:"When it is to be delivered; null where that is at once."`
	Payload    json.RawMessage `json:"payload" nullable:"true" doc:"What the body of its requests is, in the format that was asked for; null once it is no longer kept." example:"{\"id\":\"evt_01hm6cfy60nw8f6cdyx4kb5s3r\",\"type\":\"post.created\",\"created_at\":\"2024-01-15T10:30:00Z\",\"data\":{\"object\":{\"id\":123}},\"workspace_id\":456}"`
}

type streamAttemptWire struct {
	ID            string     `json:"id" pattern:"^att_[0-7][0-9a-hjkmnp-tv-z]{25}$" doc:"The attempt's." example:"att_01hm6cfy60nw8f6cdyx4kb5s3r"`
	DeliveryID    string     `json:"delivery_id" pattern:"^dlv_[0-7][0-9a-hjkmnp-tv-z]{25}$" doc:"Whose it is." example:"dlv_01hm6cfy60nw8f6cdyx4kb5s3r"`
	EndpointID    string     `json:"endpoint_id" pattern:"^ep_[0-7][0-9a-hjkmnp-tv-z]{25}$" doc:"Where it went." example:"ep_01hm6cfy60nw8f6cdyx4kb5s3r"`
	EventID       string     `json:"event_id" pattern:"^[A-Za-z0-9_-]{1,128}$" doc:"What it carried." example:"evt_01hm6cfy60nw8f6cdyx4kb5s3r"`
	Type          string     `json:"type" pattern:"^[A-Za-z0-9_-]+(\\.[A-Za-z0-9_-]+)*$" doc:"The event's." example:"post.created"`
	Number        int        `json:"number" minimum:"1" doc:"From 1." example:"1"`
	StartedAt     time.Time  `json:"started_at" doc:"When the request was made."`
	DurationMS    int64      `json:"duration_ms" minimum:"0" doc:"From dial to the last byte read." example:"12"`
	StatusCode    *int       `json:"status_code" doc:"The answer's; null where none came." example:"200"`
	Error         *string    `json:"error" doc:"Why it failed; null for a success."`
	ErrorClass    *string    `json:"error_class" enum:"timeout,refused,reset,dns,tls,blocked,status,invalid_http,internal" doc:"That in a word; null for a success."`
	Status        *string    `json:"status" enum:"pending,success,failed,canceled" doc:"The delivery's from then on; null where this attempt did not decide it." example:"success"`
	NextAttemptAt *time.Time `json:"next_attempt_at" doc:"When a pending one is tried again, about; null for any other."`
}

type streamGapWire struct {
	LeftOut *int `json:"left_out" minimum:"1" doc:"How many attempts were left out; null where nobody knows." example:"12"`
}

type streamEndWire struct {
	Code   string `json:"code" doc:"As in a problem: unauthorized, forbidden or not_found." example:"unauthorized"`
	Detail string `json:"detail" doc:"Why the stream ends." example:"the key is wrong or was revoked"`
}

func renderStreamEvent(e *webhook.Event, f webhook.Format) streamEventWire {
	out := streamEventWire{ID: e.PublicID(), Type: e.Type, CreatedAt: e.CreatedAt, AcceptedAt: e.ID.Time()}
	if !e.DeliverAt.IsZero() {
		out.DeliverAt = &e.DeliverAt
	}
	if e.Body != nil {
		out.Payload = f.Body(e.Body, e.PublicID(), e.Type, e.WorkspaceID)
	}
	return out
}

func renderStreamAttempt(a *webhook.LiveAttempt) streamAttemptWire {
	out := streamAttemptWire{
		ID: a.ID.Format(webhook.AttemptPrefix), DeliveryID: a.DeliveryID.Format(webhook.DeliveryPrefix),
		EndpointID: a.EndpointID.Format(webhook.EndpointPrefix), EventID: a.EventID, Type: a.EventType, Number: a.Number,
		StartedAt: a.StartedAt.UTC(), DurationMS: ceilMillis(a.Duration), StatusCode: orNull(a.StatusCode), Error: orNull(a.Error),
		ErrorClass: orNull(string(a.ErrorClass)), Status: orNull(string(a.Status)),
	}
	if !a.NextAttemptAt.IsZero() {
		at := a.NextAttemptAt.UTC()
		out.NextAttemptAt = &at
	}
	return out
}

func renderGap(g *live.Gap) streamGapWire {
	if g.Unknown {
		return streamGapWire{}
	}
	return streamGapWire{LeftOut: &g.LeftOut}
}
