package webhook

import (
	"unicode"
	"unicode/utf8"
)

// MaxOrderingKey is how many characters an ordering key has at most.
const MaxOrderingKey = 128

// ValidOrderingKey reports whether s may be an event's ordering key: 1 to 128
// characters that can be printed, spaces among them. Two keys are the same if
// their bytes are.
func ValidOrderingKey(s string) bool {
	if s == "" || len(s) > MaxOrderingKey*utf8.UTFMax || !utf8.ValidString(s) || utf8.RuneCountInString(s) > MaxOrderingKey {
		return false
	}
	for _, r := range s {
		if !unicode.IsPrint(r) {
			return false
		}
	}
	return true
}

// Turn is the place of a delivery in its ordering key's line to its endpoint.
type Turn struct {
	Key string
	// Seq grows in the order of acceptance; numbers may be missing.
	Seq int64
	// Next is set by the record of an outcome that ends the delivery while it is the
	// head: who has the turn now, alone in a chunk, and by which task. That is to be
	// put into Redis; several outcomes' may share a task.
	Next *Chunk
}

// Line is the deliveries of one ordering key to one endpoint.
type Line struct {
	EndpointID ID
	Key        string
}

// Swept is what came of a look at lines.
type Swept struct {
	// Last is the last one looked at; zero when there are no more.
	Last Line
	// Passed is how many turns were passed on that nobody had.
	Passed int
	// Forgotten is how many idle lines were.
	Forgotten int
}
