package api

import (
	"encoding/json"
	"time"

	"github.com/postrider/postrider/internal/webhook"
)

// The answers' types. Their names, without "Wire", are the schemas' in the
// OpenAPI description.

type workspaceWire struct {
	ID            webhook.WorkspaceID `json:"id" doc:"Chosen when it was created, or generated (ws_…)."`
	Name          string              `json:"name" doc:"What people call it." example:"My Blog"`
	PortalOrigins []string            `json:"portal_origins" doc:"Sites that may show its portal in a frame." example:"https://app.example.com"`
	CreatedAt     time.Time           `json:"created_at" doc:"When it was created."`
	UpdatedAt     time.Time           `json:"updated_at" doc:"When it was last changed."`
}

func renderWorkspace(w *webhook.Workspace) workspaceWire {
	return workspaceWire{ID: w.ID, Name: w.Name, PortalOrigins: append([]string{}, w.PortalOrigins...), CreatedAt: w.CreatedAt, UpdatedAt: w.UpdatedAt}
}

type keyWire struct {
	ID          string              `json:"id" pattern:"^key_[0-7][0-9a-hjkmnp-tv-z]{25}$" doc:"Names the key; it opens nothing." example:"key_01kqxg5wdgf0m8c4yb2h3t9v6z"`
	WorkspaceID webhook.WorkspaceID `json:"workspace_id" doc:"The workspace that the key opens."`
	Name        string              `json:"name" doc:"What people call it." example:"backend"`
	Hint        string              `json:"hint" doc:"The key's first characters." example:"pr_2kXq9"`
	Scopes      []webhook.Scope     `json:"scopes" enum:"events:write,events:read,endpoints:write,endpoints:read,deliveries:write,deliveries:read" doc:"What the key may do."`
	CreatedAt   time.Time           `json:"created_at" doc:"When it was created."`
	Key         string              `json:"key,omitempty" pattern:"^pr_[A-Za-z0-9_-]{32}$" doc:"The key itself, in the creation's answer only: it is never shown again."`
}

func renderKey(k *webhook.Key) keyWire {
	return keyWire{
		ID: k.ID.Format(webhook.KeyPrefix), WorkspaceID: k.WorkspaceID, Name: k.Name, Hint: k.Hint,
		Scopes: k.Scopes, CreatedAt: k.CreatedAt,
	}
}

type acceptedWire struct {
	ID          string               `json:"id" pattern:"^[A-Za-z0-9_-]{1,128}$" doc:"The caller's own id, or a generated one." example:"evt_01hm6cfy60nw8f6cdyx4kb5s3r"`
	Type        string               `json:"type" pattern:"^[A-Za-z0-9_-]+(\\.[A-Za-z0-9_-]+)*$" doc:"As published." example:"post.created"`
	CreatedAt   time.Time            `json:"created_at" doc:"As published, or the time of acceptance."`
	WorkspaceID webhook.WorkspaceID  `json:"workspace_id" doc:"The workspace that published it."`
	Deliveries  int                  `json:"deliveries" minimum:"0" doc:"How many endpoints matched." example:"3"`
	Warnings    []webhook.FieldError `json:"warnings,omitempty" doc:"What the schema of the event's type found wrong with its data, where that refuses no event (validation: warn). Pointers are into the request."`
	Outcomes    []outcomeWire        `json:"outcomes,omitzero" doc:"Where the publisher waited: what is known of each delivery, 1000 at most."`
	Waited      string               `json:"waited,omitempty" enum:"settled,timeout,limit,stopping,disconnected,unknown" doc:"Where the publisher waited, why the answer came: settled: no delivery is on its first attempt any more, or is held for long (held_reason); timeout: the time was over; limit: too many publishers, or too many of the workspace, wait here already, or the event has more than 1000 deliveries, so it was not waited for; stopping: the process stops; disconnected: the caller went away (seen by who repeats the request under its Idempotency-Key); unknown: the event is accepted, but what became of it could not be read."`
}

type acceptedBatchWire struct {
	Data []acceptedWire `json:"data" doc:"One for each event, in the order of the request."`
}

type eventWire struct {
	ID          string              `json:"id" pattern:"^[A-Za-z0-9_-]{1,128}$" doc:"The caller's own id, or a generated one (evt_…)." example:"evt_01hm6cfy60nw8f6cdyx4kb5s3r"`
	Type        string              `json:"type" pattern:"^[A-Za-z0-9_-]+(\\.[A-Za-z0-9_-]+)*$" doc:"Dot-separated words." example:"post.created"`
	CreatedAt   time.Time           `json:"created_at" doc:"As published; part of the payload."`
	AcceptedAt  time.Time           `json:"accepted_at" doc:"What lists go by."`
	WorkspaceID webhook.WorkspaceID `json:"workspace_id" doc:"The workspace that published it."`
	Deliveries  int                 `json:"deliveries" minimum:"0" doc:"How many endpoints matched when it was accepted." example:"3"`
	EndpointIDs []string            `json:"endpoint_ids" nullable:"true" doc:"The only endpoints that were considered, as published; null where none were named."`
	DeliverAt   *time.Time          `json:"deliver_at" doc:"As published; null where it was to be at once."`
	OrderingKey *string             `json:"ordering_key" doc:"As published; null without one." example:"order-123"`
	Data        json.RawMessage     `json:"data" nullable:"true" doc:"The payload as published, or null once it is no longer kept." example:"{\"id\":123,\"title\":\"My Blog Post\"}"`
}

func renderEvent(e *webhook.Event) eventWire {
	out := eventWire{
		ID: e.PublicID(), Type: e.Type, CreatedAt: e.CreatedAt, AcceptedAt: e.ID.Time(),
		WorkspaceID: e.WorkspaceID, Deliveries: e.Deliveries, OrderingKey: orNull(e.OrderingKey),
	}
	for _, id := range e.Targets {
		out.EndpointIDs = append(out.EndpointIDs, id.Format(webhook.EndpointPrefix))
	}
	if !e.DeliverAt.IsZero() {
		out.DeliverAt = &e.DeliverAt
	}
	if e.Body != nil {
		out.Data = webhook.DataOf(e.Body, e.WorkspaceID)
	}
	return out
}

type secretWire struct {
	Secret         string     `json:"secret" pattern:"^whsec_[A-Za-z0-9+/]{32,86}={0,2}$" doc:"The key of both signature schemes, whsec_ included; while secrets rotate the new one." example:"whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"`
	PreviousSecret string     `json:"previous_secret,omitempty" pattern:"^whsec_[A-Za-z0-9+/]{32,86}={0,2}$" doc:"While secrets rotate: the one that X-Webhook-Signature still uses."`
	ExpiresAt      *time.Time `json:"expires_at,omitempty" doc:"When previous_secret ends at the latest."`
}

type rotateInput struct {
	Secret  *string `json:"secret,omitempty" pattern:"^whsec_[A-Za-z0-9+/]{32,86}={0,2}$" doc:"whsec_ and the base64 of 24 to 64 bytes; generated when left out."`
	Overlap *int    `json:"overlap,omitempty" minimum:"0" maximum:"2592000" default:"86400" doc:"Seconds for which the old secret goes on signing X-Webhook-Signature, at most 30 days; 0 replaces it at once."`
}

type rotatedWire struct {
	Secret    string    `json:"secret" pattern:"^whsec_[A-Za-z0-9+/]{32,86}={0,2}$" doc:"The new one." example:"whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"`
	ExpiresAt time.Time `json:"expires_at" doc:"When the old one ends at the latest." example:"2024-01-16T10:30:00Z"`
}

type testWire struct {
	Success            bool              `json:"success" doc:"Whether the receiver answered with a 2xx."`
	StatusCode         *int              `json:"status_code" doc:"What the receiver answered; null where no answer came." example:"204"`
	ResponseHeaders    map[string]string `json:"response_headers" doc:"What came with it; empty where no answer came. A name that came more than once has its values joined by commas." example:"{\"Content-Type\":\"text/plain\"}"`
	ResponseBody       *string           `json:"response_body" doc:"At most 64 KiB." example:""`
	ResponseBodyBase64 *string           `json:"response_body_base64,omitempty" doc:"The whole body when it is not UTF-8."`
	DurationMS         int64             `json:"duration_ms" minimum:"0" doc:"From dialing to the last byte read, rounded up." example:"87"`
	Error              *string           `json:"error" doc:"What went wrong; null for a success."`
	ErrorClass         *string           `json:"error_class" enum:"timeout,refused,reset,dns,tls,blocked,status,invalid_http,internal" doc:"The same in one word."`
}

type deliveryWire struct {
	ID                 string              `json:"id" pattern:"^dlv_[0-7][0-9a-hjkmnp-tv-z]{25}$" doc:"Names the delivery." example:"dlv_01kqxg5wdgf0m8c4yb2h3t9v6z"`
	EventID            string              `json:"event_id" pattern:"^[A-Za-z0-9_-]{1,128}$" doc:"The event: the caller's own id, or a generated one." example:"evt_01hm6cfy60nw8f6cdyx4kb5s3r"`
	EndpointID         string              `json:"endpoint_id" pattern:"^ep_[0-7][0-9a-hjkmnp-tv-z]{25}$" doc:"The endpoint." example:"ep_01hm5a5hp0k2tqf8wzj1n9e7vd"`
	WorkspaceID        webhook.WorkspaceID `json:"workspace_id" doc:"The workspace of both."`
	Type               string              `json:"type" pattern:"^[A-Za-z0-9_-]+(\\.[A-Za-z0-9_-]+)*$" doc:"The event's." example:"post.created"`
	Status             string              `json:"status" enum:"pending,success,failed,canceled" doc:"pending until a receiver answered with a 2xx (success), the schedule ended (failed) or somebody stopped it (canceled)." example:"success"`
	Attempts           int                 `json:"attempts" minimum:"0" doc:"How many were made." example:"1"`
	ScheduleStart      int                 `json:"schedule_start" minimum:"0" doc:"How many of them were made before the present schedule began, which is the endpoint's retry_schedule: by a manual retry, or to find out whether the receiver is back." example:"0"`
	StatusCode         *int                `json:"status_code" doc:"Of the last attempt, like the response and the error." example:"200"`
	ResponseBody       *string             `json:"response_body" doc:"At most 64 KiB; bytes that are not UTF-8 show as U+FFFD. Null where no answer came." example:"ok"`
	ResponseBodyBase64 *string             `json:"response_body_base64,omitempty" doc:"The whole body when it is not UTF-8."`
	Error              *string             `json:"error" doc:"What went wrong last; null for nothing."`
	ErrorClass         *string             `json:"error_class" enum:"timeout,refused,reset,dns,tls,blocked,status,invalid_http,internal" doc:"The same in one word."`
	HeldUntil          *time.Time          `json:"held_until" doc:"Until when it is held at least; null when it is not held."`
	HeldReason         *string             `json:"held_reason" enum:"endpoint_disabled,breaker_open,max_in_flight,rate_limit,secret_sealed,ordering" doc:"Why a pending delivery is not being tried; ordering: others of its ordering_key are before it."`
	NextAttemptAt      *time.Time          `json:"next_attempt_at" doc:"When the next attempt is due; null when there is none."`
	CreatedAt          time.Time           `json:"created_at" doc:"When the event was accepted; of a replay's, when that was asked for. Lists, since and until go by the event's."`
	CompletedAt        *time.Time          `json:"completed_at" doc:"When it stopped being pending." example:"2024-01-15T10:30:00Z"`
	OrderingKey        *string             `json:"ordering_key" doc:"Its event's; null without one, and for what a replay made." example:"order-123"`
	ReplayID           *string             `json:"replay_id" pattern:"^rpl_[0-7][0-9a-hjkmnp-tv-z]{25}$" doc:"The replay that made it; null for the first."`
}

type attemptWire struct {
	ID                 string            `json:"id" pattern:"^att_[0-7][0-9a-hjkmnp-tv-z]{25}$" doc:"Names the attempt." example:"att_01kqxg5wdgf0m8c4yb2h3t9v6z"`
	Number             int               `json:"number" minimum:"1" doc:"From 1; it goes on over manual retries." example:"1"`
	StartedAt          time.Time         `json:"started_at" doc:"When the connection was asked for."`
	DurationMS         int64             `json:"duration_ms" minimum:"0" doc:"From dialing to the last byte read, rounded up." example:"87"`
	StatusCode         *int              `json:"status_code" doc:"What the receiver answered; null where no answer came." example:"200"`
	Error              *string           `json:"error" doc:"What went wrong; null for a success."`
	ErrorClass         *string           `json:"error_class" enum:"timeout,refused,reset,dns,tls,blocked,status,invalid_http,internal" doc:"The same in one word."`
	RequestHeaders     map[string]string `json:"request_headers" doc:"As sent; secrets are left out." example:"{\"Content-Type\":\"application/json\",\"X-Webhook-Event\":\"post.created\"}"`
	ResponseHeaders    map[string]string `json:"response_headers" doc:"A name that came more than once has its values joined by commas." example:"{\"Content-Type\":\"text/plain\"}"`
	ResponseBody       *string           `json:"response_body" doc:"At most 64 KiB; bytes that are not UTF-8 show as U+FFFD." example:"ok"`
	ResponseBodyBase64 *string           `json:"response_body_base64,omitempty" doc:"The whole body when it is not UTF-8."`
	SignedWith         *string           `json:"signed_with" enum:"old,new" doc:"Which secret X-Webhook-Signature was made with, while secrets rotated. Two rows of one number: the receiver answered 401 to the old one, and the request was made once more with the new."`
}
