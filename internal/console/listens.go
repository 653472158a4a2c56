package console

import (
	"encoding/json"
	"fmt"
	"strings"

	"github.com/postrider/postrider/client"
)

// listens says in a few words what an endpoint gets.
func listens(e *client.Endpoint) string {
	parts := subscribed(e)
	if len(parts) > 3 {
		parts = append(parts[:3:3], plural(int64(len(parts)-3), "other type"))
	}
	if len(parts) == 0 {
		return "nothing" + narrowed(e.Filters)
	}
	text := parts[len(parts)-1]
	if len(parts) > 1 {
		text = strings.Join(parts[:len(parts)-1], ", ") + " and " + text
	}
	return text + narrowed(e.Filters)
}

// subscribed is what an endpoint's events are, in words.
func subscribed(e *client.Endpoint) (parts []string) {
	for _, t := range e.Events {
		switch prefix, isPrefix := strings.CutSuffix(t, ".*"); {
		case t == "*":
			return []string{"every event"}
		case isPrefix:
			parts = append(parts, "everything under "+prefix)
		default:
			parts = append(parts, t)
		}
	}
	return parts
}

// narrowed says what filters want where that is short, else how many there are.
func narrowed(filters json.RawMessage) string {
	switch all := conditions(filters); {
	case len(all) == 0:
		return ""
	case len(all) > 1:
		return fmt.Sprintf(", if %s hold", plural(int64(len(all)), "condition"))
	case len([]rune(all[0])) > 2*maxWords:
		return ", if a condition holds"
	default:
		return ", if " + all[0]
	}
}
