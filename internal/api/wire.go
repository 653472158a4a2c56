package api

import (
	"encoding/json"
	"time"

	"github.com/postrider/postrider/internal/webhook"
)

// The answers' types. Their names, without "Wire", are the schemas' in the
// OpenAPI description.

type workspaceWire struct {
	ID        webhook.WorkspaceID `json:"id"`
	Name      string              `json:"name"`
	CreatedAt time.Time           `json:"created_at"`
	UpdatedAt time.Time           `json:"updated_at"`
}

func renderWorkspace(w *webhook.Workspace) workspaceWire {
	return workspaceWire{ID: w.ID, Name: w.Name, CreatedAt: w.CreatedAt, UpdatedAt: w.UpdatedAt}
}

type keyWire struct {
	ID          string              `json:"id" example:"key_01kqxg5wdgf0m8c4yb2h3t9v6z"`
	WorkspaceID webhook.WorkspaceID `json:"workspace_id"`
	Name        string              `json:"name"`
	Hint        string              `json:"hint" doc:"The key's first characters."`
	Scopes      []webhook.Scope     `json:"scopes" enum:"events:write,events:read,endpoints:write,endpoints:read,deliveries:write,deliveries:read"`
	CreatedAt   time.Time           `json:"created_at"`
	Key         string              `json:"key,omitempty" doc:"The key itself, in the creation's answer only: it is never shown again."`
}

func renderKey(k *webhook.Key) keyWire {
	return keyWire{
		ID: k.ID.Format(webhook.KeyPrefix), WorkspaceID: k.WorkspaceID, Name: k.Name, Hint: k.Hint,
		Scopes: k.Scopes, CreatedAt: k.CreatedAt,
	}
}

type acceptedWire struct {
	ID          string               `json:"id" doc:"The caller's own id, or a generated one."`
	Type        string               `json:"type"`
	CreatedAt   time.Time            `json:"created_at"`
	WorkspaceID webhook.WorkspaceID  `json:"workspace_id"`
	Deliveries  int                  `json:"deliveries" doc:"How many endpoints matched."`
	Warnings    []webhook.FieldError `json:"warnings,omitempty" doc:"What the schema of the event's type found wrong with its data, where that refuses no event (validation: warn). Pointers are into the request."`
	Outcomes    []outcomeWire        `json:"outcomes,omitzero" doc:"Where the publisher waited: what is known of each delivery, 1000 at most."`
	Waited      string               `json:"waited,omitempty" enum:"settled,timeout,limit,stopping,disconnected,unknown" doc:"Where the publisher waited, why the answer came: settled: no delivery is on its first attempt any more, or is held for long (held_reason); timeout: the time was over; limit: too many publishers, or too many of the workspace, wait here already, or the event has more than 1000 deliveries, so it was not waited for; stopping: the process stops; disconnected: the caller went away (seen by who repeats the request under its Idempotency-Key); unknown: the event is accepted, but what became of it could not be read."`
}

type acceptedBatchWire struct {
	Data []acceptedWire `json:"data" doc:"One for each event, in the order of the request."`
}

type eventWire struct {
	ID          string              `json:"id"`
	Type        string              `json:"type"`
	CreatedAt   time.Time           `json:"created_at" doc:"As published; part of the payload."`
	AcceptedAt  time.Time           `json:"accepted_at" doc:"What lists go by."`
	WorkspaceID webhook.WorkspaceID `json:"workspace_id"`
	Deliveries  int                 `json:"deliveries" doc:"How many endpoints matched when it was accepted."`
	EndpointIDs []string            `json:"endpoint_ids" nullable:"true" doc:"The only endpoints that were considered, as published; null where none were named."`
	DeliverAt   *time.Time          `json:"deliver_at" doc:"As published; null where it was to be at once."`
	Data        json.RawMessage     `json:"data" nullable:"true" doc:"The payload as published, or null once it is no longer kept."`
}

func renderEvent(e *webhook.Event) eventWire {
	out := eventWire{
		ID: e.PublicID(), Type: e.Type, CreatedAt: e.CreatedAt, AcceptedAt: e.ID.Time(),
		WorkspaceID: e.WorkspaceID, Deliveries: e.Deliveries,
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
	Secret         string     `json:"secret" doc:"The key of both signature schemes, whsec_ included; while secrets rotate the new one."`
	PreviousSecret string     `json:"previous_secret,omitempty" doc:"While secrets rotate: the one that X-Webhook-Signature still uses."`
	ExpiresAt      *time.Time `json:"expires_at,omitempty" doc:"When previous_secret ends at the latest."`
}

type rotateInput struct {
	Secret  *string `json:"secret,omitempty" doc:"whsec_ and the base64 of 24 to 64 bytes; generated when left out."`
	Overlap *int    `json:"overlap,omitempty" minimum:"0" maximum:"2592000" default:"86400" doc:"Seconds for which the old secret goes on signing X-Webhook-Signature, at most 30 days; 0 replaces it at once."`
}

type rotatedWire struct {
	Secret    string    `json:"secret" doc:"The new one."`
	ExpiresAt time.Time `json:"expires_at" doc:"When the old one ends at the latest."`
}

type testWire struct {
	Success            bool    `json:"success" doc:"Whether the receiver answered with a 2xx."`
	StatusCode         *int    `json:"status_code"`
	ResponseBody       *string `json:"response_body" doc:"At most 64 KiB."`
	ResponseBodyBase64 *string `json:"response_body_base64,omitempty" doc:"The whole body when it is not UTF-8."`
	DurationMS         int64   `json:"duration_ms"`
	Error              *string `json:"error"`
	ErrorClass         *string `json:"error_class"`
}

type deliveryWire struct {
	ID                 string              `json:"id" example:"dlv_01kqxg5wdgf0m8c4yb2h3t9v6z"`
	EventID            string              `json:"event_id"`
	EndpointID         string              `json:"endpoint_id"`
	WorkspaceID        webhook.WorkspaceID `json:"workspace_id"`
	Type               string              `json:"type" doc:"The event's."`
	Status             string              `json:"status" enum:"pending,success,failed,canceled"`
	Attempts           int                 `json:"attempts" doc:"How many were made."`
	StatusCode         *int                `json:"status_code" doc:"Of the last attempt, like the response and the error."`
	ResponseBody       *string             `json:"response_body"`
	ResponseBodyBase64 *string             `json:"response_body_base64,omitempty" doc:"The whole body when it is not UTF-8."`
	Error              *string             `json:"error"`
	ErrorClass         *string             `json:"error_class"`
	HeldUntil          *time.Time          `json:"held_until"`
	HeldReason         *string             `json:"held_reason" doc:"Why a pending delivery is not being tried: endpoint_disabled, breaker_open, max_in_flight or rate_limit."`
	NextAttemptAt      *time.Time          `json:"next_attempt_at"`
	CreatedAt          time.Time           `json:"created_at"`
	CompletedAt        *time.Time          `json:"completed_at"`
	ReplayID           *string             `json:"replay_id" doc:"The replay that made it; null for the first."`
}

type attemptWire struct {
	ID                 string            `json:"id" example:"att_01kqxg5wdgf0m8c4yb2h3t9v6z"`
	Number             int               `json:"number" doc:"From 1; it goes on over manual retries."`
	StartedAt          time.Time         `json:"started_at"`
	DurationMS         int64             `json:"duration_ms" doc:"From dialing to the last byte read, rounded up."`
	StatusCode         *int              `json:"status_code"`
	Error              *string           `json:"error"`
	ErrorClass         *string           `json:"error_class"`
	RequestHeaders     map[string]string `json:"request_headers" doc:"As sent; secrets are left out."`
	ResponseHeaders    map[string]string `json:"response_headers" doc:"A name that came more than once has its values joined by commas."`
	ResponseBody       *string           `json:"response_body" doc:"At most 64 KiB; bytes that are not UTF-8 show as U+FFFD."`
	ResponseBodyBase64 *string           `json:"response_body_base64,omitempty" doc:"The whole body when it is not UTF-8."`
	SignedWith         *string           `json:"signed_with" enum:"old,new" doc:"Which secret X-Webhook-Signature was made with, while secrets rotated. Two rows of one number: the receiver answered 401 to the old one, and the request was made once more with the new."`
}
