package webhook

import (
	"bytes"
	"encoding/json"
	"errors"
	"time"
)

// WorkspaceID names a tenant: 1 to 64 of A-Za-z0-9_-, chosen by the caller or
// generated as ws_….
type WorkspaceID string

// NewWorkspaceID generates an id for a workspace whose creator gave none.
func NewWorkspaceID(t time.Time) WorkspaceID { return WorkspaceID("ws_" + NewID(t).String()) }

// Valid reports whether the id has the shape of one.
func (w WorkspaceID) Valid() bool { return isName(string(w), 64) }

// numeric: digits only, no leading zero, at most 15 digits, so that every JSON
// reader keeps it exactly (2^53 has 16).
func (w WorkspaceID) numeric() bool {
	if len(w) == 0 || len(w) > 15 || w[0] == '0' && len(w) > 1 {
		return false
	}
	for i := range len(w) {
		if w[i] < '0' || w[i] > '9' {
			return false
		}
	}
	return true
}

// AppendJSON appends the id as JSON: a number where it reads as one, else a string.
func (w WorkspaceID) AppendJSON(b []byte) []byte {
	if w.numeric() {
		return append(b, w...)
	}
	b = append(b, '"')
	b = append(b, w...)
	return append(b, '"')
}

// MarshalJSON writes 456 for "456" and a string for all else.
func (w WorkspaceID) MarshalJSON() ([]byte, error) {
	if w.numeric() {
		return []byte(w), nil
	}
	return json.Marshal(string(w))
}

// UnmarshalJSON takes both forms.
func (w *WorkspaceID) UnmarshalJSON(b []byte) error {
	if len(b) > 0 && b[0] == '"' {
		var s string
		if err := json.Unmarshal(b, &s); err != nil {
			return err
		}
		*w = WorkspaceID(s)
		return nil
	}
	id := WorkspaceID(bytes.TrimSpace(b))
	if !id.numeric() {
		return errors.New("a workspace id is a string or a whole number of at most 15 digits")
	}
	*w = id
	return nil
}

// Workspace is a tenant: it owns endpoints, events and keys, and nothing
// crosses from one to another.
type Workspace struct {
	ID   WorkspaceID
	Name string
	// PortalOrigins are the sites that may show its portal in a frame, such as
	// https://app.example.com.
	PortalOrigins []string
	CreatedAt     time.Time
	UpdatedAt     time.Time
}

func isName(s string, limit int) bool {
	if len(s) == 0 || len(s) > limit {
		return false
	}
	for i := range len(s) {
		if !isNameByte(s[i]) {
			return false
		}
	}
	return true
}

func isNameByte(c byte) bool {
	return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c == '_' || c == '-'
}
