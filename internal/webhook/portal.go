package webhook

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"net"
	"net/url"
	"strings"
	"time"
)

// PortalLink lets one browser into a workspace's portal, once.
type PortalLink struct {
	ID          ID
	WorkspaceID WorkspaceID
	// Manage: who comes by it may change things, too, and not only look.
	Manage    bool
	ExpiresAt time.Time
}

// Abilities of who comes by a portal link.
const (
	AbilityView   = "view"
	AbilityManage = "manage"
)

// Abilities are what who comes by the link may do.
func (l *PortalLink) Abilities() []string {
	if l.Manage {
		return []string{AbilityView, AbilityManage}
	}
	return []string{AbilityView}
}

// NewToken returns 256 random bits as text, for links and sessions.
func NewToken() string {
	var b [32]byte
	rand.Read(b[:])
	return base64.RawURLEncoding.EncodeToString(b[:])
}

// HashToken is what is stored of a token; there is no dictionary of them to try.
func HashToken(token string) []byte {
	sum := sha256.Sum256([]byte(token))
	return sum[:]
}

// ValidOrigin reports whether s names a site as browsers do: http or https, a host
// in lower case, a port only where it is not the scheme's own, and nothing else. It
// is put into a header that such a text can't break out of.
func ValidOrigin(s string) bool {
	if len(s) > 300 || s != strings.ToLower(s) || strings.ContainsFunc(s, func(r rune) bool { return r <= ' ' || r > '~' || strings.ContainsRune(`;,'"*\`, r) }) {
		return false
	}
	u, err := url.Parse(s)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Hostname() == "" || u.Scheme+"://"+u.Host != s {
		return false
	}
	if _, port, err := net.SplitHostPort(u.Host); err == nil {
		return port != "" && port != map[string]string{"http": "80", "https": "443"}[u.Scheme]
	}
	return true
}

// Kinds of sessions, by what opened them.
const (
	SessionAdmin  = "admin"
	SessionKey    = "key"
	SessionPortal = "portal"
)

// Session is who is signed in to the console or the portal.
type Session struct {
	Kind string
	// Key is the workspace's key that opened it: ID, Name and Scopes; of the portal ID
	// is the link's, and Scopes what the link allows. The admin has none.
	Key Key
	// Workspace is where it acts: ID, Name and PortalOrigins; zero for the admin.
	Workspace Workspace
	ExpiresAt time.Time
}

// PortalScopes are what who comes by a portal link may do.
func PortalScopes(manage bool) []Scope {
	scopes := []Scope{ScopeEventsRead, ScopeEndpointsRead, ScopeDeliveriesRead}
	if manage {
		scopes = append(scopes, ScopeEndpointsWrite, ScopeDeliveriesWrite)
	}
	return scopes
}
