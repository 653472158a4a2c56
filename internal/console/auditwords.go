package console

import (
	"encoding/json"
	"strings"

	"github.com/postrider/postrider/client"
)

// auditRow is an entry of the audit log in words: who did what to what.
type auditRow struct {
	*client.AuditEntry
	Who, Verb, TargetName string
	// Href is the target's page, "" for none, and Log its workspace's audit log.
	Href, Log string
}

// Kind is what the target is called.
func (r auditRow) Kind() string { return strings.ReplaceAll(string(r.TargetKind), "_", " ") }

// Fields says how many changed.
func (r auditRow) Fields() string { return plural(int64(len(r.Changes)), "field") }

// auditAction is an operation, by its name in the API's description.
type auditAction struct{ ID, Verb string }

// auditActions are all that the log has. What follows the verb is the kind of the
// target and its name.
var auditActions = []auditAction{
	{"createWorkspace", "created"}, {"updateWorkspace", "changed"}, {"deleteWorkspace", "deleted"},
	{"createKey", "created"}, {"revokeKey", "revoked"}, {"createPortalLink", "made"},
	{"createEndpoint", "created"}, {"updateEndpoint", "changed"}, {"deleteEndpoint", "deleted"},
	{"getEndpointSecret", "was shown the secret of"}, {"rotateEndpointSecret", "rotated the secret of"}, {"promoteEndpointSecret", "ended the rotation of the secret of"},
	{"testEndpoint", "sent a test to"}, {"diagnoseEndpoint", "diagnosed"},
	{"replayEndpoint", "began"}, {"replayEvent", "made"}, {"replayDeliveries", "began"}, {"cancelReplay", "stopped"},
	{"retryDelivery", "retried"}, {"cancelDelivery", "canceled"}, {"verifyDelivery", "checked a signature of"},
	{"putEventType", "saved"}, {"deleteEventType", "deleted"},
}

// Text is the action where nothing follows it.
func (a auditAction) Text() string {
	var words strings.Builder
	for _, r := range a.ID {
		if r >= 'A' && r <= 'Z' {
			words.WriteByte(' ')
		}
		words.WriteString(strings.ToLower(string(r)))
	}
	text := words.String()
	return strings.ToUpper(text[:1]) + text[1:]
}

// verbOf says what was done. To switch an endpoint is a change of its own.
func verbOf(e *client.AuditEntry) string {
	if e.Action == "updateEndpoint" && len(e.Changes) == 1 && e.Changes[0].Field == "is_active" {
		if string(e.Changes[0].After) == "true" {
			return "enabled"
		}
		return "disabled"
	}
	for _, a := range auditActions {
		if a.ID == e.Action {
			return a.Verb
		}
	}
	return "did " + e.Action + " to" // a later release's
}

// whoOf is an actor for people: the id tells those apart whose names are not known.
func whoOf(actor string, keys map[string]string) string {
	switch {
	case actor == "admin":
		return "Admin"
	case strings.HasPrefix(actor, "ptl_"):
		return "Portal visitor " + actor
	case keys[actor] != "":
		return "Key " + keys[actor]
	}
	return actor
}

// value is JSON for people: a text without its quotes, all else as it is. It may be
// anybody's, and is escaped where it stands.
func value(raw json.RawMessage) string {
	var text string
	if json.Unmarshal(raw, &text) == nil {
		return text
	}
	return onLines(raw)
}

// Before and After are a field's values in words; "" where there was none.
func (auditRow) Before(c client.FieldChange) string { return shownValue(c.Before, c.Hidden) }

// After is what it is since.
func (auditRow) After(c client.FieldChange) string { return shownValue(c.After, c.Hidden) }

func shownValue(raw json.RawMessage, hidden bool) string {
	switch {
	case raw == nil && hidden:
		return "hidden"
	case raw == nil:
		return "–"
	case string(raw) == "null":
		return "none"
	case string(raw) == `""`:
		return "empty"
	}
	return value(raw)
}
