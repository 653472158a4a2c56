package client

import (
	"fmt"
	"net/http"
	"regexp"
	"time"
	"unicode"
	"unicode/utf8"
)

// What the API takes. A test of the API's holds these to it.
const (
	maxType        = 256
	maxEndpoints   = 100
	maxOrderingKey = 128
	maxErrors      = 50
	noEndpoint     = "ep_00000000000000000000000000"
)

var (
	eventType  = regexp.MustCompile(`^[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+)*$`)
	eventID    = regexp.MustCompile(`^[A-Za-z0-9_-]{1,128}$`)
	endpointID = regexp.MustCompile(`^ep_[0-7][0-9a-hjkmnp-tv-z]{25}$`)
)

// Check refuses what the API would, in the same words and order, without asking it.
// Batched is for an event that is to be published with others. What depends on the
// workspace it can't know: whether endpoints exist, how far ahead DeliverAt may be, and
// what the schema of the type wants.
func (e *NewEvent) Check(batched bool) error {
	size, err := e.size()
	if err != nil {
		return err
	}
	if size > maxEventBytes {
		return &Error{
			Type: "urn:postrider:problem:too_large", Title: "The body is too large", Status: http.StatusRequestEntityTooLarge, Code: CodeTooLarge, Operation: "publishEvent",
			Detail: fmt.Sprintf("the body is larger than %d bytes", maxEventBytes),
		}
	}
	var bad []FieldError
	fail := func(when bool, pointer, format string, args ...any) {
		if when {
			bad = append(bad, FieldError{Pointer: pointer, Detail: fmt.Sprintf(format, args...)})
		}
	}
	fail(len(e.Type) > maxType || !eventType.MatchString(e.Type), "/type", "must be dot-separated words of A-Za-z0-9_-, at most %d characters", maxType)
	fail(e.ID != "" && !eventID.MatchString(e.ID), "/id", "must be 1 to 128 of A-Za-z0-9_-")
	fail(!e.CreatedAt.IsZero() && !e.CreatedAt.UTC().After(time.Time{}), "/created_at", "must be a time in the years 1 to 9999, in UTC")
	fail(len(e.EndpointIDs) > maxEndpoints, "/endpoint_ids", "must be an array of 1 to %d endpoint ids", maxEndpoints)
	if len(e.EndpointIDs) <= maxEndpoints {
		for i, id := range e.EndpointIDs {
			fail(!endpointID.MatchString(id) || id == noEndpoint, fmt.Sprintf("/endpoint_ids/%d", i), "is no endpoint of the workspace")
		}
	}
	fail(e.OrderingKey != "" && !printable(e.OrderingKey), "/ordering_key", "must be 1 to %d printable characters", maxOrderingKey)
	switch {
	case e.Wait != 0 && batched:
		fail(true, "/wait", "can be given for an event that is published alone, not in a batch")
	default:
		fail(e.Wait < 0 || e.Wait > maxWait, "/wait", "must be a number of seconds from 0 to %d", maxWait)
	}
	if !e.DeliverAt.IsZero() {
		fail(e.OrderingKey != "", "/deliver_at", "can't be given together with ordering_key")
		fail(e.Wait > 0 && e.Wait <= maxWait && !batched, "/wait", "can't be given together with deliver_at")
	}
	if bad == nil {
		return nil
	}
	return &Error{
		Type: "urn:postrider:problem:invalid", Title: "The request is invalid", Status: http.StatusUnprocessableEntity,
		Code: CodeInvalid, Detail: "the request has invalid fields", Errors: bad[:min(len(bad), maxErrors)], Operation: "publishEvent",
	}
}

// size is how many bytes the request has.
func (e *NewEvent) size() (int, error) {
	raw, err := encode(e)
	if err != nil {
		return 0, fmt.Errorf("client: a %s: %w", e.Type, err)
	}
	return len(raw), nil
}

func printable(key string) bool {
	if utf8.RuneCountInString(key) > maxOrderingKey {
		return false
	}
	for _, r := range key {
		if !unicode.IsPrint(r) {
			return false
		}
	}
	return true
}
