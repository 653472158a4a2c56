package match

import (
	"fmt"
	"slices"
	"strings"

	"github.com/postrider/postrider/internal/webhook"
)

// maxPatterns bounds one endpoint's events.
const maxPatterns = 1000

// typeSet is the event types that a subscription names, without what another of
// its patterns covers: at most one member stands for a given type.
type typeSet struct {
	all bool
	// exact holds types, prefixes holds "post." for post.*; both sorted.
	exact, prefixes []string
}

func checkPatterns(patterns []string) []webhook.FieldError {
	switch {
	case len(patterns) == 0:
		return []webhook.FieldError{{Pointer: "/events", Detail: "must name at least one event type"}}
	case len(patterns) > maxPatterns:
		return []webhook.FieldError{{Pointer: "/events", Detail: fmt.Sprintf("must not name more than %d event types", maxPatterns)}}
	}
	var errs []webhook.FieldError
	for i, p := range patterns {
		if !webhook.ValidPattern(p) && len(errs) < maxErrors {
			errs = append(errs, webhook.FieldError{
				Pointer: fmt.Sprintf("/events/%d", i),
				Detail:  `must be an event type such as "post.created", a prefix such as "post.*", or "*"`,
			})
		}
	}
	return errs
}

func newTypeSet(patterns []string) typeSet {
	if slices.Contains(patterns, "*") {
		return typeSet{all: true}
	}
	var exact, prefixes []string
	for _, p := range patterns {
		if prefix, ok := strings.CutSuffix(p, "*"); ok {
			prefixes = append(prefixes, prefix)
		} else {
			exact = append(exact, p)
		}
	}
	named := typeSet{prefixes: sorted(prefixes)}
	var set typeSet
	for _, prefix := range named.prefixes {
		if !named.hasPrefixOf(strings.TrimSuffix(prefix, ".")) {
			set.prefixes = append(set.prefixes, prefix)
		}
	}
	for _, t := range sorted(exact) {
		if !named.hasPrefixOf(t) {
			set.exact = append(set.exact, t)
		}
	}
	return set
}

func sorted(list []string) []string {
	slices.Sort(list)
	return slices.Compact(list)
}

func (s *typeSet) matches(eventType string) bool {
	if s.all {
		return true
	}
	if _, ok := slices.BinarySearch(s.exact, eventType); ok {
		return true
	}
	return s.hasPrefixOf(eventType)
}

func (s *typeSet) hasPrefixOf(eventType string) bool {
	if len(s.prefixes) == 0 {
		return false
	}
	for i := range len(eventType) {
		if eventType[i] != '.' {
			continue
		}
		if _, ok := slices.BinarySearch(s.prefixes, eventType[:i+1]); ok {
			return true
		}
	}
	return false
}
