package api

import (
	"fmt"
	"time"

	"github.com/postrider/postrider/internal/webhook"
)

// publishInput and batchInput describe what parseEvent and parseBatch read by
// hand: this is the hot path.
type publishInput struct {
	Type      string         `json:"type" minLength:"1" maxLength:"256" pattern:"^[A-Za-z0-9_-]+(\\.[A-Za-z0-9_-]+)*$" doc:"Dot-separated words of A-Za-z0-9_-." example:"post.created"`
	Data      map[string]any `json:"data" doc:"The payload. Receivers get its bytes as they are, minified." example:"{\"id\":123,\"title\":\"My Blog Post\"}"`
	ID        string         `json:"id,omitempty" minLength:"1" maxLength:"128" pattern:"^[A-Za-z0-9_-]{1,128}$" doc:"1 to 128 of A-Za-z0-9_-; the same id again is the same event."`
	CreatedAt string         `json:"created_at,omitempty" format:"date-time" doc:"Payload only; lists go by the time of acceptance, which is also the default."`

	EndpointIDs []string `json:"endpoint_ids,omitempty" minItems:"1" maxItems:"100" doc:"Only these endpoints are considered, and only if they are active and want the event. Default all."`
	DeliverAt   string   `json:"deliver_at,omitempty" format:"date-time" doc:"No first attempt is made before. In the past it is at once; how far ahead it may be depends on the retention, by default 14 days."`
	OrderingKey string   `json:"ordering_key,omitempty" minLength:"1" maxLength:"128" doc:"1 to 128 printable characters. Each endpoint gets the events of one key one after the other, in the order of acceptance; a failing one holds up its own key only. Not together with deliver_at." example:"order-123"`
	Wait        float64  `json:"wait,omitempty" minimum:"0" maximum:"10" doc:"Seconds to wait for outcomes, fractions too: the answer comes as soon as no delivery is on its first attempt any more, or when the time is over, and has outcomes. Not together with deliver_at, and not in a batch."`
}

type batchInput struct {
	Events []publishInput `json:"events" minItems:"1" maxItems:"1000" doc:"All are accepted, or none. At most 1 MiB each."`
}

const eventTypeSyntax = "must be dot-separated words of A-Za-z0-9_-, at most 256 characters"

// parseEvent reads one event out of text that json.Valid has passed and
// checkSurrogates too. The event's data is a copy.
func parseEvent(raw []byte, pointer string) (e webhook.NewEvent, bad []webhook.FieldError) {
	return parseWithOptions(raw, &optionsParser{pointer: pointer})
}

// parseAlone is parseEvent for one that is published alone, whose publisher may wait.
func parseAlone(raw []byte) (e webhook.NewEvent, wait *time.Duration, bad []webhook.FieldError) {
	p := optionsParser{alone: true}
	e, bad = parseWithOptions(raw, &p)
	return e, p.wait, bad
}

func parseWithOptions(raw []byte, options *optionsParser) (e webhook.NewEvent, bad []webhook.FieldError) {
	pointer := options.pointer
	fail := func(at, format string, args ...any) {
		if len(bad) < maxErrors {
			bad = append(bad, webhook.FieldError{Pointer: at, Detail: fmt.Sprintf(format, args...)})
		}
	}
	if !isObject(raw) {
		fail(pointer, "must be an object")
		return e, bad
	}
	e.Pointer = pointer
	var hasType, hasData, hasID, hasTime bool
	s := scanner{text: raw}
	for s.more() {
		key := unquote(s.key())
		value := s.value()
		given := false
		switch key {
		case "type":
			given, hasType = hasType, true
			if e.Type = textOf(value); !webhook.ValidEventType(e.Type) {
				fail(pointer+"/type", eventTypeSyntax)
			}
		case "data":
			given, hasData = hasData, true
			if !isObject(value) {
				fail(pointer+"/data", "must be an object")
			} else if !given {
				e.Data = minify(value)
			}
		case "id":
			given, hasID = hasID, true
			if isNull(value) {
				break
			}
			if e.ID = textOf(value); !webhook.ValidEventID(e.ID) {
				fail(pointer+"/id", "must be 1 to 128 of A-Za-z0-9_-")
			}
		case "created_at":
			given, hasTime = hasTime, true
			if isNull(value) {
				break
			}
			t, err := parseTime(textOf(value))
			if err != nil {
				fail(pointer+"/created_at", "%v", err)
			}
			e.CreatedAt = t.Truncate(timeUnit)
		default:
			known, again, problems := options.read(key, value, &e.Options)
			if !known {
				fail(child(pointer, key), "is no field of an event")
			}
			for _, problem := range problems {
				fail(problem.Pointer, "%s", problem.Detail)
			}
			given = again
		}
		if given {
			fail(child(pointer, key), "is given more than once")
		}
	}
	if !hasType {
		fail(pointer+"/type", "is required")
	}
	if !hasData {
		fail(pointer+"/data", "is required and must be an object")
	}
	for _, problem := range options.together(&e.Options) {
		fail(problem.Pointer, "%s", problem.Detail)
	}
	return e, bad
}

// textOf is a string's text; for any other value it is empty, which no field of
// an event may be.
func textOf(value []byte) string {
	if value[0] != '"' {
		return ""
	}
	return unquote(value)
}

// parseBatch reads the events of a batch, all or none.
func parseBatch(body []byte) ([]webhook.NewEvent, error) {
	s := scanner{text: body}
	raw := s.value()
	if !isObject(raw) {
		return nil, invalidField("", "must be an object")
	}
	var events []byte
	for o := (scanner{text: raw}); o.more(); {
		key, value := unquote(o.key()), o.value()
		switch {
		case key != "events":
			return nil, invalidField(child("", key), "is no field of this request")
		case events != nil:
			return nil, invalidField("/events", "is given more than once")
		case value[0] != '[':
			return nil, invalidField("/events", "must be an array")
		}
		events = value
	}
	if events == nil {
		return nil, invalidField("/events", "is required")
	}
	// Split no further than needed: ten megabytes hold five million elements.
	return parseEvents(elements(events, webhook.MaxBatchEvents))
}

func parseEvents(all [][]byte) ([]webhook.NewEvent, error) {
	if len(all) == 0 || len(all) > webhook.MaxBatchEvents {
		return nil, invalidField("/events", "must have 1 to %d", webhook.MaxBatchEvents)
	}
	out := make([]webhook.NewEvent, len(all))
	var bad []webhook.FieldError
	for i, raw := range all {
		at := item("/events", i)
		if len(raw) > webhook.MaxEventBytes {
			return nil, &webhook.Error{
				Code: webhook.CodeTooLarge, Detail: fmt.Sprintf("an event is larger than %d bytes", webhook.MaxEventBytes),
				Fields: []webhook.FieldError{{Pointer: at, Detail: "is too large"}},
			}
		}
		e, errs := parseEvent(raw, at)
		out[i] = e
		if bad = append(bad, errs...); len(bad) >= maxErrors {
			break
		}
	}
	if len(bad) > 0 {
		return nil, webhook.Invalid(bad[:min(len(bad), maxErrors)]...)
	}
	return out, nil
}
