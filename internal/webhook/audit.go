package webhook

import (
	"context"
	"encoding/json"
	"time"
)

// Actor is who asks for a change through the API, and by which request.
type Actor struct {
	// KeyID is the workspace's key; zero is the admin. Of who came by a portal link it
	// is the link's id, and Portal is set.
	KeyID     ID
	Portal    bool
	RequestID string
	// Action is the operation's id in the API's description, such as createEndpoint.
	Action string
	// RemoteAddr is whose connection it was, a proxy's where there is one; "" when
	// it is not known.
	RemoteAddr string
	// At is when the request was taken up.
	At time.Time
}

type actorKey struct{}

// WithActor makes what is done under the context this actor's.
func WithActor(ctx context.Context, a Actor) context.Context {
	return context.WithValue(ctx, actorKey{}, a)
}

// ActorOf says whose doing it is; ok is false for what nobody asked for, such as
// a worker's work.
func ActorOf(ctx context.Context) (a Actor, ok bool) {
	a, ok = ctx.Value(actorKey{}).(Actor)
	return a, ok
}

// Target is what a change is about, by the id that clients know.
type Target struct{ Kind, ID string }

// Kinds of targets.
const (
	KindWorkspace  = "workspace"
	KindKey        = "key"
	KindEndpoint   = "endpoint"
	KindDelivery   = "delivery"
	KindReplay     = "replay"
	KindEventType  = "event_type"
	KindPortalLink = "portal_link"
)

// AsTarget is the thing with this id, in an audit entry.
func (id ID) AsTarget(kind string) Target {
	prefixes := map[string]string{
		KindKey: KeyPrefix, KindEndpoint: EndpointPrefix, KindDelivery: DeliveryPrefix, KindReplay: ReplayPrefix,
		KindPortalLink: PortalLinkPrefix,
	}
	return Target{kind, id.Format(prefixes[kind])}
}

// AuditEntry says who changed what.
type AuditEntry struct {
	ID          ID
	WorkspaceID WorkspaceID
	Actor       Actor
	Target      Target
	Changes     []FieldChange
}

// AuditFilter narrows a list of the audit log; zero fields narrow nothing. Since
// and Until are the time of the request, from Since up to, not with, Until.
type AuditFilter struct {
	ByAdmin      bool
	ByKey        ID
	Action       string
	Target       string
	Since, Until time.Time
}

// FieldChange is one field that changed. Of a new thing there is no Before.
type FieldChange struct {
	Field  string          `json:"field"`
	Before json.RawMessage `json:"before,omitempty"`
	After  json.RawMessage `json:"after,omitempty"`
	// Hidden says that the values are left out or not whole: they are secret, or
	// larger than an entry is to be.
	Hidden bool `json:"hidden,omitempty"`
}
