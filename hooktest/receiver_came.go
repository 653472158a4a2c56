package hooktest

import (
	"fmt"
	"strings"
)

const (
	// maxListed and maxShownBytes bound what a failure shows.
	maxListed     = 10
	maxShownBytes = 200
)

// whatCame lists what a Receiver got, the newest last, for a failure's message.
func (r *Receiver) whatCame() string {
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.arrivals) == 0 {
		return "Nothing came to " + r.URL + "."
	}
	var b strings.Builder
	fmt.Fprintf(&b, "What came to %s:", r.URL)
	skipped := max(len(r.arrivals)-maxListed, 0)
	if skipped > 0 {
		fmt.Fprintf(&b, "\n  (%d before)", skipped)
	}
	for i, a := range r.arrivals[skipped:] {
		fmt.Fprintf(&b, "\n  %d. %s", skipped+i+1, a)
	}
	return b.String()
}

// String is an arrival in one line.
func (a arrival) String() string {
	if a.refused != nil {
		return "refused: " + a.refused.Error()
	}
	e := &a.event
	return fmt.Sprintf("%s %s, attempt %d, answered %s: %s", e.Type, e.ID, e.Attempt, a.answer, abridged(string(e.Data)))
}

func abridged(s string) string {
	if len(s) <= maxShownBytes {
		return s
	}
	return strings.ToValidUTF8(s[:maxShownBytes], "") + "…"
}
