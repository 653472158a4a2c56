package api

import (
	"encoding/json"
	"fmt"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/postrider/postrider/internal/match"
	"github.com/postrider/postrider/internal/webhook"
)

// maxShown bounds a value that is shown in an explanation.
const maxShown = 1 << 10

// explained is an event that endpoints are held against.
type explained struct {
	eventType string
	// data is nil once the payload is no longer kept.
	data    json.RawMessage
	options webhook.Options
}

// forecast says what would become of the event now: the first reason in the
// order in which things are decided. A matched one may have to wait.
func (x *explained) forecast(e *webhook.EndpointState) (forecastWire, error) {
	if !x.options.Targeted(e.ID) {
		return forecastWire{ReasonWire: notTargeted()}, nil
	}
	if !e.IsActive {
		return forecastWire{ReasonWire: inactive(e)}, nil
	}
	r, err := x.subscription(e)
	switch {
	case err != nil || r.Reason != nil:
		return forecastWire{ReasonWire: r}, err
	case e.OpenUntil != nil:
		return forecastWire{true, held(webhook.HeldBreakerOpen, e.OpenUntil)}, nil
	case e.NextCheckAt != nil && (e.ParkedReason == webhook.HeldRateLimit || e.ParkedReason == webhook.HeldInFlight):
		return forecastWire{true, held(e.ParkedReason, e.NextCheckAt)}, nil
	}
	return forecastWire{Matched: true}, nil
}

// subscription says whether the endpoint's events and filters want the event.
func (x *explained) subscription(e *webhook.EndpointState) (ReasonWire, error) {
	sub, err := match.Stored(&e.Endpoint)
	if err != nil {
		return ReasonWire{}, err
	}
	if x.data != nil {
		return x.mismatch(sub.Explain(x.eventType, x.data)), nil
	}
	if r := sub.ExplainType(x.eventType); r.Code != match.NoMismatch {
		return x.mismatch(r), nil
	}
	if sub.HasFilters() {
		return reason(reasonPayloadExpired, "the type matches, but the payload is no longer kept, so the filters can't be held against it"), nil
	}
	return ReasonWire{}, nil
}

func (x *explained) mismatch(r match.Reason) ReasonWire {
	switch r.Code {
	case match.TypeMismatch:
		out := reason(reasonTypeMismatch, "the endpoint does not subscribe to %s", x.eventType)
		if r.Close {
			*out.Detail += "; did you mean " + r.NearestType + "?"
		}
		out.NearestType = &r.NearestType
		return out
	case match.FilterMismatch:
		return filterMismatch(&r)
	case match.NoMismatch:
	}
	return ReasonWire{}
}

func filterMismatch(r *match.Reason) ReasonWire {
	out := firstMismatch(r)
	for i := range r.Others {
		o := firstMismatch(&r.Others[i])
		out.Others = append(out.Others, mismatchWire{Path: *o.Path, Wanted: o.Wanted, Found: o.Found, Missing: o.Missing, Truncated: o.Truncated})
	}
	return out
}

func firstMismatch(r *match.Reason) ReasonWire {
	out := reason(reasonFilterMismatch, "the payload's %q is not what the filter wants", r.Path)
	out.Path = &r.Path
	out.Wanted = out.shown(r.Wanted)
	if r.IsCombination() {
		out.Detail = text("the filter's %s does not hold", r.Path)
		return out
	}
	missing := r.Found == nil
	if out.Missing = &missing; missing {
		out.Detail = text("the payload has no %q, which the filter wants", r.Path)
	}
	out.Found = out.shown(r.Found)
	return out
}

// shown is the value itself, null for none, or the beginning of a long one.
func (r *ReasonWire) shown(v json.RawMessage) any {
	if v == nil {
		return json.RawMessage("null")
	}
	if len(v) <= maxShown {
		return v
	}
	r.Truncated = true
	end := maxShown
	for !utf8.RuneStart(v[end]) {
		end--
	}
	return string(v[:end]) + "…"
}

func reason(code, format string, args ...any) ReasonWire {
	return ReasonWire{Reason: &code, Detail: text(format, args...)}
}

func text(format string, args ...any) *string {
	s := fmt.Sprintf(format, args...)
	return &s
}

func notTargeted() ReasonWire {
	return reason(reasonNotTargeted, "the event was published for other endpoints alone (endpoint_ids)")
}

func inactive(e *webhook.EndpointState) ReasonWire {
	out := reason(reasonInactive, "the endpoint is disabled")
	if e.DisabledReason != "" {
		*out.Detail += ": " + strings.ReplaceAll(e.DisabledReason, "_", " ")
	}
	out.Since = e.DisabledAt
	return out
}

// held is why a delivery waits.
func held(why string, until *time.Time) ReasonWire {
	detail := "it waits: " + why
	switch why {
	case webhook.HeldBreakerOpen:
		detail = "the endpoint keeps failing, and its breaker holds what is sent to it"
	case webhook.HeldRateLimit:
		detail = "the endpoint's rate limit holds it"
	case webhook.HeldInFlight:
		detail = "as many requests are in flight to the endpoint as may be"
	case webhook.HeldSecretSealed:
		detail = "no worker has the key that decrypts the endpoint's secrets"
	case webhook.HeldOrdering:
		detail = "others of its ordering key are before it"
	}
	out := reason(why, "%s", detail)
	out.Until = until
	return out
}

// undelivered is why a delivery has not succeeded; nothing for one that has.
// deliverAt is when its event's publisher wanted it at the earliest, if said.
func undelivered(d *webhook.Delivery, e *webhook.EndpointState, deliverAt time.Time) ReasonWire {
	switch {
	case d.Status == webhook.StatusSuccess:
		return ReasonWire{}
	case d.Status == webhook.StatusFailed:
		return reason(reasonFailed, "%s", orElse(d.Error, "every attempt failed"))
	case d.Status == webhook.StatusCanceled:
		return reason(reasonCanceled, "%s", orElse(d.Error, "it was canceled"))
	case !e.IsActive:
		return inactive(e)
	case d.HeldReason != "":
		return held(d.HeldReason, d.HeldUntil)
	}
	out := reason(reasonPending, "its first attempt is under way or due")
	if d.NextAttemptAt != nil && !deliverAt.IsZero() && d.NextAttemptAt.Equal(deliverAt) {
		out = reason(reasonPending, "its first attempt was published for a time of its own (deliver_at)")
	}
	if d.Attempts > 0 {
		out = reason(reasonPending, "it is tried again after %s", orElse(d.Error, "a failed attempt"))
	}
	out.Until = d.NextAttemptAt
	return out
}

func orElse(s, other string) string {
	if s == "" {
		return other
	}
	return s
}
