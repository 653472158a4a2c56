package match

import (
	"encoding/json"
	"fmt"
	"slices"

	"github.com/postrider/postrider/internal/webhook"
)

// Subscription is what an endpoint wants: its events and filters, compiled. It
// never changes and may be used by many goroutines.
type Subscription struct {
	patterns []string
	types    typeSet
	filter   filter
}

// Compile checks an endpoint's events and filters and prepares them for
// matching. filters may be nil, null or {} for none. What is wrong comes back
// with JSON pointers into the endpoint's body; then the Subscription is nil.
// Neither argument is kept.
func Compile(events []string, filters json.RawMessage) (*Subscription, []webhook.FieldError) {
	c := compiler{errors: checkPatterns(events)}
	f := c.compile("/filters", filters)
	if len(c.errors) > 0 {
		return nil, c.errors
	}
	return &Subscription{patterns: slices.Clone(events), types: newTypeSet(events), filter: f}, nil
}

// Stored compiles the subscription of an endpoint as it was stored. It was checked
// before that, so an error, which names the endpoint, is ours to look into.
func Stored(e *webhook.Endpoint) (*Subscription, error) {
	s, problems := Compile(e.Events, e.Filters)
	if len(problems) > 0 {
		return nil, fmt.Errorf("endpoint %s: its subscription can't be read: %s %s",
			e.ID.Format(webhook.EndpointPrefix), problems[0].Pointer, problems[0].Detail)
	}
	return s, nil
}

// Match reports whether the endpoint wants the event. data is the producer's
// object: valid JSON in UTF-8.
func (s *Subscription) Match(eventType string, data []byte) bool {
	if !s.types.matches(eventType) {
		return false
	}
	if len(s.filter) == 0 {
		return true
	}
	d := newDocument(data)
	return s.filter.holds(&d)
}

// MatchesType reports whether the endpoint wants events of this type, whatever
// its filters say.
func (s *Subscription) MatchesType(eventType string) bool { return s.types.matches(eventType) }
