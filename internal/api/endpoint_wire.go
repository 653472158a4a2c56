package api

import (
	"cmp"
	"encoding/json"
	"time"

	"github.com/postrider/postrider/internal/webhook"
)

// endpointInput is what a caller may set. All but url and events has a default,
// which null stands for too.
type endpointInput struct {
	URL           string            `json:"url" minLength:"1" maxLength:"2048" format:"uri" doc:"http or https, reachable from here: private and special addresses are refused." example:"https://example.com/webhooks"`
	Events        []string          `json:"events" maxLength:"258" minItems:"1" maxItems:"1000" pattern:"^(\\*|[A-Za-z0-9_-]+(\\.[A-Za-z0-9_-]+)*(\\.\\*)?)$" doc:"Event types (post.created), prefixes (post.*) or *." example:"post.*,comment.created"`
	Filters       json.RawMessage   `json:"filters,omitempty" doc:"Paths into the payload and what they must be; every entry must hold. A PATCH replaces them whole." example:"{\"status\":\"published\",\"likes\":{\"$gte\":10}}"`
	Secret        *string           `json:"secret,omitempty" pattern:"^whsec_[A-Za-z0-9+/]{32,86}={0,2}$" doc:"whsec_ and the base64 of 24 to 64 bytes; generated when left out."`
	Description   string            `json:"description,omitempty" maxLength:"1000" doc:"For people." example:"The blog's search index"`
	IsActive      *bool             `json:"is_active,omitempty" default:"true" doc:"Events that come in while it is false make no delivery."`
	Headers       map[string]string `json:"headers,omitempty" doc:"Sent with every request; at most 50 and 16 KiB. Values are secrets and shown as ***."`
	Timeout       *int              `json:"timeout,omitempty" minimum:"1" maximum:"60" doc:"Seconds for one attempt, from dialing to the last byte. Default 10."`
	RetrySchedule []int             `json:"retry_schedule,omitzero" maxItems:"20" minimum:"1" maximum:"86400" doc:"Seconds before each retry, 14 days in all; [] for no retry. Default 60, 300, 1800."`
	RateLimit     *int              `json:"rate_limit,omitempty" minimum:"1" maximum:"1000000" doc:"Requests a second, over the whole fleet. Default none."`
	MaxInFlight   *int              `json:"max_in_flight,omitempty" minimum:"1" maximum:"10000" doc:"Requests at once, over the whole fleet. Default 64."`
	Format        webhook.Format    `json:"format,omitempty" enum:"standard,raw,cloudevents" default:"standard" doc:"What the body is: standard, the event around the payload; raw, the payload alone; cloudevents, CloudEvents 1.0 in structured mode. All are signed." example:"standard"`
	Metadata      json.RawMessage   `json:"metadata,omitempty" doc:"Any JSON object up to 16 KiB; kept and shown as it is." example:"{\"team\":\"search\"}"`
}

// endpointPatch is endpointInput for a merge patch: nothing is required.
type endpointPatch struct {
	URL           *string            `json:"url,omitempty" minLength:"1" maxLength:"2048" format:"uri" doc:"As in a new endpoint."`
	Events        []string           `json:"events,omitempty" nullable:"false" maxLength:"258" minItems:"1" maxItems:"1000" pattern:"^(\\*|[A-Za-z0-9_-]+(\\.[A-Za-z0-9_-]+)*(\\.\\*)?)$" doc:"As in a new endpoint; replaced whole."`
	Filters       json.RawMessage    `json:"filters,omitempty" nullable:"true" doc:"Replaced whole; null takes them away."`
	Secret        *string            `json:"secret,omitempty" pattern:"^whsec_[A-Za-z0-9+/]{32,86}={0,2}$" doc:"whsec_ and the base64 of 24 to 64 bytes; signs from the next attempt on, without an overlap."`
	Description   *string            `json:"description,omitempty" nullable:"true" maxLength:"1000" doc:"For people." example:"The blog's search index"`
	IsActive      *bool              `json:"is_active,omitempty" nullable:"true" doc:"true also enables what was disabled because it failed; null means true."`
	Headers       map[string]*string `json:"headers,omitempty" nullable:"true" doc:"Merged by name; null takes one away, *** leaves it as it is."`
	Timeout       *int               `json:"timeout,omitempty" nullable:"true" minimum:"1" maximum:"60" doc:"As in a new endpoint; null brings the default back."`
	RetrySchedule []int              `json:"retry_schedule,omitzero" nullable:"true" maxItems:"20" minimum:"1" maximum:"86400" doc:"As in a new endpoint, replaced whole; null brings the default back."`
	RateLimit     *int               `json:"rate_limit,omitempty" nullable:"true" minimum:"1" maximum:"1000000" doc:"As in a new endpoint; null takes it away." example:"50"`
	MaxInFlight   *int               `json:"max_in_flight,omitempty" nullable:"true" minimum:"1" maximum:"10000" doc:"As in a new endpoint; null brings the default back."`
	Format        *webhook.Format    `json:"format,omitempty" nullable:"true" enum:"standard,raw,cloudevents" doc:"As in a new endpoint, from the next attempt on; null brings standard back." example:"standard"`
	Metadata      json.RawMessage    `json:"metadata,omitempty" nullable:"true" doc:"Merged by RFC 7396."`
}

type endpointWire struct {
	ID             string              `json:"id" pattern:"^ep_[0-7][0-9a-hjkmnp-tv-z]{25}$" doc:"Names the endpoint." example:"ep_01kqxg5wdgf0m8c4yb2h3t9v6z"`
	WorkspaceID    webhook.WorkspaceID `json:"workspace_id" doc:"The workspace that owns it."`
	URL            string              `json:"url" format:"uri" doc:"Where requests go." example:"https://example.com/webhooks"`
	Secret         string              `json:"secret,omitempty" pattern:"^whsec_[A-Za-z0-9+/]{32,86}={0,2}$" doc:"In the creation's answer only; GET .../secret shows it again."`
	RotatesUntil   *time.Time          `json:"secret_rotates_until" doc:"While the secret rotates: when the old one ends at the latest. Null otherwise."`
	Events         []string            `json:"events" doc:"Event types (post.created), prefixes (post.*) or *." example:"post.*,comment.created"`
	Filters        json.RawMessage     `json:"filters" doc:"Paths into the payload and what they must be; {} for none." example:"{\"status\":\"published\",\"likes\":{\"$gte\":10}}"`
	Description    string              `json:"description" doc:"For people." example:"The blog's search index"`
	IsActive       bool                `json:"is_active" doc:"Events that come in while it is false make no delivery."`
	DisabledAt     *time.Time          `json:"disabled_at" doc:"Since when it is disabled; null while it is active."`
	DisabledReason *string             `json:"disabled_reason" enum:"disabled_by_user,gone,failing" doc:"Why it is disabled: by a user, because the receiver answered 410, or because it kept failing."`
	Headers        map[string]string   `json:"headers" doc:"The values are hidden." example:"{\"X-Api-Key\":\"***\"}"`
	Timeout        int                 `json:"timeout" doc:"Seconds; what takes effect, like the policy below." example:"10"`
	RetrySchedule  []int               `json:"retry_schedule" doc:"Seconds before each retry." example:"[60,300,1800]"`
	RateLimit      *int                `json:"rate_limit" doc:"Requests a second, over the whole fleet; null for no limit."`
	MaxInFlight    int                 `json:"max_in_flight" doc:"Requests at once, over the whole fleet." example:"64"`
	Format         webhook.Format      `json:"format" enum:"standard,raw,cloudevents" doc:"What the body is." example:"standard"`
	Metadata       json.RawMessage     `json:"metadata" doc:"Any JSON object, kept as it was given." example:"{\"team\":\"search\"}"`
	CreatedAt      time.Time           `json:"created_at" doc:"When it was created."`
	UpdatedAt      time.Time           `json:"updated_at" doc:"When it was last changed."`
}

func (s *server) renderEndpoint(e *webhook.Endpoint) endpointWire {
	e.Settle(s.cfg.Now())
	out := endpointWire{
		ID: e.ID.Format(webhook.EndpointPrefix), WorkspaceID: e.WorkspaceID, URL: e.URL, Events: e.Events,
		Filters: orEmpty(e.Filters), Description: e.Description, IsActive: e.IsActive,
		RotatesUntil: e.NextSecretAt, DisabledAt: e.DisabledAt, DisabledReason: orNull(e.DisabledReason), Headers: make(map[string]string, len(e.Headers)),
		Timeout: int(s.cfg.Defaults.Timeout / time.Second), RetrySchedule: inSeconds(s.cfg.Defaults.RetrySchedule),
		RateLimit: e.RateLimit, MaxInFlight: s.cfg.Defaults.MaxInFlight, Format: cmp.Or(e.Format, webhook.FormatStandard), Metadata: orEmpty(e.Metadata),
		CreatedAt: e.CreatedAt, UpdatedAt: e.UpdatedAt,
	}
	for name := range e.Headers {
		out.Headers[name] = webhook.Masked
	}
	if e.Timeout != nil {
		out.Timeout = int(*e.Timeout / time.Second)
	}
	if e.RetrySchedule != nil {
		out.RetrySchedule = inSeconds(e.RetrySchedule)
	}
	if e.MaxInFlight != nil {
		out.MaxInFlight = *e.MaxInFlight
	}
	return out
}

func orEmpty(object json.RawMessage) json.RawMessage {
	if object == nil {
		return json.RawMessage("{}")
	}
	return object
}

// inSeconds rounds up: a configured delay may be shorter than a second.
func inSeconds(delays []time.Duration) []int {
	out := make([]int, len(delays))
	for i, d := range delays {
		out[i] = int((d + time.Second - 1) / time.Second)
	}
	return out
}
