package ingest

import "github.com/postrider/postrider/internal/webhook"

// rules are a workspace's event types whose events are held against a schema, as
// of one version. They never change.
type rules struct {
	version int64
	byType  map[string]webhook.TypeRule
}

// newRules is nil where there is no rule: then events cost nothing.
func newRules(version int64, byType map[string]webhook.TypeRule) *rules {
	if len(byType) == 0 {
		return nil
	}
	return &rules{version: version, byType: byType}
}

func (rs *rules) size() int {
	if rs == nil {
		return 0
	}
	n := 256
	for name := range rs.byType {
		n += len(name) + 64
	}
	return n
}

// concern reports whether one of the events has a rule.
func (rs *rules) concern(events []webhook.NewEvent) bool {
	for n := range events {
		if _, ok := rs.byType[events[n].Type]; ok {
			return true
		}
	}
	return false
}

// allow reports whether the request may be stored, and answers one that may not:
// its data is refused, or was not held against these rules yet. That is not done
// here, for the writer has other workspaces to serve.
func (rs *rules) allow(r *request) bool {
	switch {
	case rs == nil || !rs.concern(r.events):
		r.checked = nil // whatever it was held against is no rule any more
		return true
	case r.checked == nil || r.checked.version != rs.version:
		r.answer <- answer{rules: rs}
	case r.checked.err != nil:
		r.answer <- answer{err: r.checked.err}
	default:
		return true
	}
	return false
}
