package cli

// What the commands beside these do the same way.

// Clean is text of strangers, such as a server's error, for one line of a terminal.
func Clean(s string) string { return clean(s) }

// CleanJSON is the same JSON without characters that act on a terminal.
func CleanJSON(raw []byte) []byte { return cleanJSON(raw) }

// ErrSaid is what a command returns whose output has said what is wrong: the exit
// code is 1, and nothing is added.
var ErrSaid = errSaid
