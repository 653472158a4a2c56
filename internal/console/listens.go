package console

import (
	"encoding/json"
	"fmt"
	"strings"

	"github.com/postrider/postrider/client"
)

// listens says in words what an endpoint gets.
func listens(e *client.Endpoint) string {
	var parts []string
	for _, t := range e.Events {
		switch prefix, isPrefix := strings.CutSuffix(t, ".*"); {
		case t == "*":
			return "every event" + narrowed(e.Filters)
		case isPrefix:
			parts = append(parts, "everything under "+prefix)
		default:
			parts = append(parts, t)
		}
	}
	if len(parts) > 3 {
		parts = append(parts[:3:3], plural(int64(len(parts)-3), "other type"))
	}
	text := parts[len(parts)-1]
	if len(parts) > 1 {
		text = strings.Join(parts[:len(parts)-1], ", ") + " and " + text
	}
	return text + narrowed(e.Filters)
}

// narrowed says that there are filters, and on what.
func narrowed(filters json.RawMessage) string {
	var on map[string]json.RawMessage
	if json.Unmarshal(filters, &on) != nil || len(on) == 0 {
		return ""
	}
	if len(on) > 1 {
		return fmt.Sprintf(", if %s hold", plural(int64(len(on)), "condition"))
	}
	for path, want := range on {
		var text string
		if json.Unmarshal(want, &text) == nil {
			return fmt.Sprintf(", if %s is “%s”", path, text)
		}
	}
	return ", if a condition holds"
}
