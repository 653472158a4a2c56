package webhook

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"slices"
	"time"
)

// Scope is one thing a workspace's key may do.
type Scope string

// Every scope there is; a key made without scopes has them all.
const (
	ScopeEventsWrite     Scope = "events:write"
	ScopeEventsRead      Scope = "events:read"
	ScopeEndpointsWrite  Scope = "endpoints:write"
	ScopeEndpointsRead   Scope = "endpoints:read"
	ScopeDeliveriesWrite Scope = "deliveries:write"
	ScopeDeliveriesRead  Scope = "deliveries:read"
)

// Scopes lists every scope, in the order the documentation does.
func Scopes() []Scope {
	return []Scope{
		ScopeEventsWrite, ScopeEventsRead, ScopeEndpointsWrite,
		ScopeEndpointsRead, ScopeDeliveriesWrite, ScopeDeliveriesRead,
	}
}

// Key is an API key of a workspace. The key itself is shown once and stored as
// its hash only.
type Key struct {
	ID          ID
	WorkspaceID WorkspaceID
	Name        string
	Scopes      []Scope
	// Hint is the key's first characters, enough to tell keys apart.
	Hint      string
	CreatedAt time.Time
	RevokedAt *time.Time
}

// Allows reports whether the key has the scope.
func (k Key) Allows(s Scope) bool { return slices.Contains(k.Scopes, s) }

// APIKeyPrefix starts every workspace key.
const APIKeyPrefix = "pr_"

// NewAPIKey returns a key of 192 random bits: "pr_" and 32 characters.
func NewAPIKey() string {
	var b [24]byte
	rand.Read(b[:])
	return APIKeyPrefix + base64.RawURLEncoding.EncodeToString(b[:])
}

// HashAPIKey is what is stored of a key. A plain SHA-256 is enough for 192
// random bits: there is no dictionary to try.
func HashAPIKey(key string) []byte {
	sum := sha256.Sum256([]byte(key))
	return sum[:]
}
