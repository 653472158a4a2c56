package api

import (
	"cmp"
	"encoding/json"
	"time"

	"github.com/postrider/postrider/internal/match"
	"github.com/postrider/postrider/internal/webhook"
)

const (
	maxMetadataBytes = 16 << 10
	maxScheduleTotal = 14 * 24 * time.Hour
)

// apply checks all that can be told without asking anybody, and puts the input
// into the endpoint. The URL's host is looked at elsewhere.
func (in *endpointInput) apply(e *webhook.Endpoint) *webhook.Error {
	var bad []webhook.FieldError
	_, problems := match.Compile(in.Events, in.Filters)
	bad = append(bad, problems...)
	bad = append(bad, checkHeaders(in.Headers)...)
	if in.URL == "" {
		bad = append(bad, webhook.FieldError{Pointer: "/url", Detail: "must not be empty"})
	}
	if len(in.Metadata) > maxMetadataBytes {
		bad = append(bad, webhook.FieldError{Pointer: "/metadata", Detail: "must not be larger than 16 KiB"})
	}
	schedule := durations(in.RetrySchedule)
	if total(schedule) > maxScheduleTotal {
		bad = append(bad, webhook.FieldError{Pointer: "/retry_schedule", Detail: "must not last longer than 14 days in all"})
	}
	if len(bad) > 0 {
		return webhook.Invalid(bad[:min(len(bad), maxErrors)]...)
	}
	if in.Secret != nil {
		if !webhook.ValidSecret(*in.Secret) {
			return weakSecret()
		}
		// Said outright, it counts at once: what was rotating is over.
		e.Secret, e.NextSecret, e.NextSecretAt = *in.Secret, "", nil
	}
	e.URL, e.Events, e.Filters, e.Metadata = in.URL, in.Events, compactObject(in.Filters), compactObject(in.Metadata)
	e.Description, e.Headers, e.RetrySchedule = in.Description, in.Headers, schedule
	e.RateLimit, e.MaxInFlight = in.RateLimit, in.MaxInFlight
	e.Format = cmp.Or(in.Format, webhook.FormatStandard)
	e.IsActive = in.IsActive == nil || *in.IsActive
	e.Timeout = nil
	if in.Timeout != nil {
		d := time.Duration(*in.Timeout) * time.Second
		e.Timeout = &d
	}
	return nil
}

// inputOf is what a caller would have sent to get this endpoint.
func inputOf(e *webhook.Endpoint) endpointInput {
	in := endpointInput{
		URL: e.URL, Events: e.Events, Filters: e.Filters, Description: e.Description, IsActive: &e.IsActive,
		Headers: e.Headers, RateLimit: e.RateLimit, MaxInFlight: e.MaxInFlight, Format: e.Format, Metadata: e.Metadata,
	}
	if e.Timeout != nil {
		n := int(*e.Timeout / time.Second)
		in.Timeout = &n
	}
	if e.RetrySchedule != nil {
		in.RetrySchedule = inSeconds(e.RetrySchedule)
	}
	return in
}

// compactObject is nil for an object without members, which means none.
func compactObject(object json.RawMessage) json.RawMessage {
	if object == nil {
		return nil
	}
	if object = minify(object); string(object) == "{}" {
		return nil
	}
	return object
}

// durations keeps nil (the default) and empty (no retry) apart.
func durations(seconds []int) []time.Duration {
	if seconds == nil {
		return nil
	}
	out := make([]time.Duration, len(seconds))
	for i, n := range seconds {
		out[i] = time.Duration(n) * time.Second
	}
	return out
}

func total(delays []time.Duration) (sum time.Duration) {
	for _, d := range delays {
		sum += d
	}
	return sum
}
