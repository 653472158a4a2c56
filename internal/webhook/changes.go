package webhook

import (
	"bytes"
	"encoding/json"
	"maps"
	"slices"
	"strings"
	"time"
)

// maxChangeBytes bounds a value in the audit log.
const maxChangeBytes = 1 << 10

// field is one that can change: what it is compared by, and what may be shown of
// it, which is nothing where it is secret.
type field struct {
	name   string
	value  any
	shown  any
	secret bool
}

func plain(name string, value any) field { return field{name: name, value: value, shown: value} }

// EndpointChanges are the fields in which an endpoint differs from what it was;
// before is nil for a new one.
func EndpointChanges(before, after *Endpoint) []FieldChange {
	if before == nil {
		return created(endpointFields(&Endpoint{}), endpointFields(after))
	}
	return changes(endpointFields(before), endpointFields(after))
}

func endpointFields(e *Endpoint) []field {
	address, _, query := strings.Cut(e.URL, "?")
	if query {
		address += "?" + Masked // tokens are put there
	}
	return []field{
		{"url", e.URL, address, query},
		plain("events", e.Events), plain("filters", e.Filters), plain("description", e.Description), plain("is_active", e.IsActive),
		{"secret", e.Secret, nil, true},
		{"next_secret", e.NextSecret, nil, true},
		{"headers", e.Headers, slices.Sorted(maps.Keys(e.Headers)), len(e.Headers) > 0},
		plain("timeout", inSeconds(e.Timeout)), plain("retry_schedule", eachInSeconds(e.RetrySchedule)),
		plain("rate_limit", e.RateLimit), plain("max_in_flight", e.MaxInFlight), plain("format", string(e.Format)), plain("metadata", e.Metadata),
	}
}

// EventTypeChanges are the fields in which an event type differs from what it
// was; before is nil for a new one.
func EventTypeChanges(before, after *EventType) []FieldChange {
	if before == nil {
		return created(eventTypeFields(&EventType{}), eventTypeFields(after))
	}
	return changes(eventTypeFields(before), eventTypeFields(after))
}

func eventTypeFields(t *EventType) []field {
	return []field{
		plain("description", t.Description), plain("schema", t.Schema), plain("example", t.Example), plain("validation", t.Validation),
	}
}

// KeyChanges are a new key's fields.
func KeyChanges(k *Key) []FieldChange {
	return created([]field{plain("name", ""), plain("scopes", nil)}, []field{plain("name", k.Name), plain("scopes", k.Scopes)})
}

// WorkspaceChanges are the fields in which a workspace differs from what it was;
// before is nil for a new one.
func WorkspaceChanges(before, after *Workspace) []FieldChange {
	if before == nil {
		return created(workspaceFields(&Workspace{}), workspaceFields(after))
	}
	return changes(workspaceFields(before), workspaceFields(after))
}

func workspaceFields(w *Workspace) []field {
	origins := w.PortalOrigins
	if len(origins) == 0 {
		origins = []string{} // none, however that was said
	}
	return []field{plain("name", w.Name), plain("portal_origins", origins)}
}

// PortalLinkChanges are a new link's fields.
func PortalLinkChanges(l *PortalLink) []FieldChange {
	return created([]field{plain("abilities", nil), plain("expires_at", nil)}, []field{plain("abilities", l.Abilities()), plain("expires_at", l.ExpiresAt)})
}

// ReplayChanges say what a new replay is of.
func ReplayChanges(r *Replay) []FieldChange {
	return created(replayFields(&Replay{}), replayFields(r))
}

func replayFields(r *Replay) []field {
	text := func(id ID, prefix string) string {
		if id.IsZero() {
			return ""
		}
		return id.Format(prefix)
	}
	var chosen []string
	for _, id := range r.DeliveryIDs {
		chosen = append(chosen, id.Format(DeliveryPrefix))
	}
	return []field{
		plain("delivery_ids", chosen),
		plain("endpoint_id", text(r.EndpointID, EndpointPrefix)), plain("event_id", text(r.EventID, EventPrefix)),
		plain("since", r.Since), plain("until", r.Until), plain("statuses", r.Statuses), plain("types", r.Types),
	}
}

// StatusChange is what became of a delivery or a replay.
func StatusChange[S ~string](after S) FieldChange {
	return FieldChange{Field: "status", After: encode(after)}
}

// created are the changes of a new thing: what has a value.
func created(zero, after []field) []FieldChange {
	all := changes(zero, after)
	for i := range all {
		all[i].Before = nil
	}
	return all
}

// changes compares field by field; both have the same ones.
func changes(before, after []field) (all []FieldChange) {
	for i, a := range after {
		b := before[i]
		if bytes.Equal(encode(b.value), encode(a.value)) {
			continue
		}
		c := FieldChange{Field: a.name, Before: encode(b.shown), After: encode(a.shown), Hidden: a.secret || b.secret}
		if a.shown == nil && b.shown == nil {
			c.Before, c.After = nil, nil
		}
		if len(c.Before) > maxChangeBytes || len(c.After) > maxChangeBytes {
			c.Before, c.After, c.Hidden = nil, nil, true
		}
		all = append(all, c)
	}
	return all
}

func encode(v any) json.RawMessage {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if enc.Encode(v) != nil {
		return json.RawMessage("null") // JSON that was stored is JSON
	}
	return bytes.TrimSpace(b.Bytes())
}

func inSeconds(d *time.Duration) *int64 {
	if d == nil {
		return nil
	}
	n := int64(*d / time.Second)
	return &n
}

// eachInSeconds keeps nil (the default) and empty (no retry) apart.
func eachInSeconds(delays []time.Duration) []int64 {
	if delays == nil {
		return nil
	}
	out := make([]int64, len(delays))
	for i := range delays {
		out[i] = *inSeconds(&delays[i])
	}
	return out
}
