package match

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
)

// compile fails the test when the subscription is refused.
func compile(t testing.TB, filters string, events ...string) *Subscription {
	t.Helper()
	if len(events) == 0 {
		events = []string{"*"}
	}
	s, errs := Compile(events, json.RawMessage(filters))
	if errs != nil {
		t.Fatalf("Compile(%q, %s): %v", events, filters, errs)
	}
	return s
}

// escaped spells every character of the document's strings as \u00XX.
func escaped(doc string) string {
	var b strings.Builder
	inString := false
	for _, r := range doc {
		switch {
		case r == '"':
			inString = !inString
			b.WriteRune(r)
		case inString:
			fmt.Fprintf(&b, `\u%04x`, r)
		default:
			b.WriteRune(r)
		}
	}
	return b.String()
}
