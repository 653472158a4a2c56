package api

import (
	"context"
	"encoding/json"
	"time"

	"github.com/postrider/postrider/internal/webhook"
)

// Every store answers not_found for what does not exist, is deleted or belongs
// to another workspace, and unavailable while its database is away.

// WorkspaceReader reads workspaces.
type WorkspaceReader interface {
	Get(ctx context.Context, id webhook.WorkspaceID) (webhook.Workspace, error)
	// List goes on after the given workspace, of which ID and CreatedAt count;
	// the zero value starts at the newest.
	List(ctx context.Context, after webhook.Workspace, limit int) (all []webhook.Workspace, more bool, err error)
}

// WorkspaceWriter changes workspaces.
type WorkspaceWriter interface {
	// Create is a conflict when the id is or ever was taken.
	// ID, Name and PortalOrigins count.
	Create(ctx context.Context, w webhook.Workspace) (webhook.Workspace, error)
	// Update hands edit the Name and PortalOrigins as they are, with no other change
	// under way. edit's error ends the update and is returned.
	Update(ctx context.Context, id webhook.WorkspaceID, edit func(*webhook.Workspace) error) (webhook.Workspace, error)
	Delete(ctx context.Context, id webhook.WorkspaceID) error
}

// Workspaces is both.
type Workspaces interface {
	WorkspaceReader
	WorkspaceWriter
}

// Keys stores API keys as hashes.
type Keys interface {
	Create(ctx context.Context, k webhook.Key, hash []byte) error
	ByHash(ctx context.Context, hash []byte) (webhook.Key, error)
	List(ctx context.Context, ws webhook.WorkspaceID, p webhook.Page) (all []webhook.Key, more bool, err error)
	Revoke(ctx context.Context, ws webhook.WorkspaceID, id webhook.ID) error
}

// PortalLinks stores links into the portal as hashes.
type PortalLinks interface {
	Create(ctx context.Context, l webhook.PortalLink, hash []byte, now time.Time) error
}

// EndpointReader reads endpoints, secrets and headers in the clear.
type EndpointReader interface {
	Get(ctx context.Context, ws webhook.WorkspaceID, id webhook.ID) (webhook.Endpoint, error)
	// Anywhere is Get without a workspace, for who proves to have its secret.
	Anywhere(ctx context.Context, id webhook.ID) (webhook.Endpoint, error)
	List(ctx context.Context, ws webhook.WorkspaceID, p webhook.Page) (all []webhook.Endpoint, more bool, err error)
	EndpointFinder
}

// EndpointFinder finds some of a workspace's endpoints.
type EndpointFinder interface {
	// Find returns where the next page goes on; zero where there is none. It may end a
	// page before its limit.
	Find(ctx context.Context, ws webhook.WorkspaceID, f webhook.EndpointFilter, p webhook.Page) (ids []webhook.ID, next webhook.ID, err error)
	// Some returns those of the endpoints that exist.
	Some(ctx context.Context, ws webhook.WorkspaceID, ids []webhook.ID) ([]webhook.Endpoint, error)
}

// EndpointWriter changes endpoints. When a change has returned, events accepted
// from then on are matched against it.
type EndpointWriter interface {
	Create(ctx context.Context, e webhook.Endpoint) (webhook.Endpoint, error)
	// Update hands edit the endpoint as it is, with no other change under way.
	// edit's error ends the update and is returned.
	Update(ctx context.Context, ws webhook.WorkspaceID, id webhook.ID, edit func(*webhook.Endpoint) error) (webhook.Endpoint, error)
	Delete(ctx context.Context, ws webhook.WorkspaceID, id webhook.ID) error
}

// Endpoints is both.
type Endpoints interface {
	EndpointReader
	EndpointWriter
}

// Events reads accepted events.
type Events interface {
	Get(ctx context.Context, ws webhook.WorkspaceID, publicID string) (webhook.Event, error)
	// List returns where the next page goes on; zero where there is none. It may end a
	// page before its limit.
	List(ctx context.Context, ws webhook.WorkspaceID, f webhook.EventFilter, p webhook.Page) (all []webhook.Event, next webhook.ID, err error)
}

// DeliveryReader reads deliveries and their attempts.
type DeliveryReader interface {
	Get(ctx context.Context, ws webhook.WorkspaceID, id webhook.ID) (webhook.Delivery, error)
	// List returns where the next page goes on; zero where there is none. It may end a
	// page before its limit.
	List(ctx context.Context, ws webhook.WorkspaceID, f webhook.DeliveryFilter, p webhook.Page) (all []webhook.Delivery, next webhook.ID, err error)
	// Attempts has made of them at least, as the caller knows.
	Attempts(ctx context.Context, ws webhook.WorkspaceID, delivery webhook.ID, made int, p webhook.Page) (all []webhook.Attempt, more bool, err error)
}

// DeliveryWriter changes deliveries by hand.
type DeliveryWriter interface {
	// Retry is not_retryable for what has not failed or been canceled.
	Retry(ctx context.Context, ws webhook.WorkspaceID, id webhook.ID) (webhook.Delivery, error)
	// Cancel is not_cancelable for what is not pending.
	Cancel(ctx context.Context, ws webhook.WorkspaceID, id webhook.ID) (webhook.Delivery, error)
}

// Deliveries is both.
type Deliveries interface {
	DeliveryReader
	DeliveryWriter
}

// ReplayReader reads replays, and what they would do.
type ReplayReader interface {
	Get(ctx context.Context, ws webhook.WorkspaceID, id webhook.ID) (webhook.Replay, error)
	List(ctx context.Context, ws webhook.WorkspaceID, p webhook.Page) (all []webhook.Replay, more bool, err error)
	// Count is how many deliveries a replay would make; wants is asked for what is
	// missing.
	Count(ctx context.Context, r *webhook.Replay, wants webhook.Wants) (int64, error)
}

// ReplayWriter starts and ends replays.
type ReplayWriter interface {
	Create(ctx context.Context, r *webhook.Replay) error
	// Cancel is a conflict when the replay has ended.
	Cancel(ctx context.Context, ws webhook.WorkspaceID, id webhook.ID) (webhook.Replay, error)
	// ReplayEvent makes the deliveries at once, and fills in what became of r.
	ReplayEvent(ctx context.Context, r *webhook.Replay, eventType string, endpoints []webhook.ID) error
}

// ReplayTargets reads what may be sent again, and to whom.
type ReplayTargets interface {
	// Endpoints returns which of the endpoints exist.
	Endpoints(ctx context.Context, ws webhook.WorkspaceID, ids []webhook.ID) ([]webhook.ID, error)
	// Chosen returns which of the deliveries exist, in the order of their ids.
	Chosen(ctx context.Context, ws webhook.WorkspaceID, ids []webhook.ID) ([]webhook.Chosen, error)
	// Subscribed returns the active ones with ID, Events and Filters.
	Subscribed(ctx context.Context, ws webhook.WorkspaceID) ([]webhook.Endpoint, error)
}

// Replays is all of it.
type Replays interface {
	ReplayReader
	ReplayWriter
	ReplayTargets
}

// Idempotency keeps what requests with an idempotency key were answered.
type Idempotency interface {
	// Claim begins a request under its key, for so long, or finds who has and what
	// came of it. digest tells the request from others.
	Claim(ctx context.Context, k webhook.IdempotencyKey, digest []byte, now time.Time, d time.Duration) (webhook.Claim, error)
	// Find looks who has the key, and changes nothing.
	Find(ctx context.Context, k webhook.IdempotencyKey, digest []byte) (webhook.Claim, error)
	// Together makes one transaction of what the other stores change under the
	// context that it returns and of Keep. Keep or Release must follow.
	Together(ctx context.Context) context.Context
	// Keep stores the claim's answer. undone says that it failed, and what was
	// changed together with it was not.
	Keep(ctx context.Context, k webhook.IdempotencyKey, c *webhook.Claim, answer []byte) (undone bool, err error)
	// Release gives the claim up, and undoes what was changed together with it.
	Release(ctx context.Context, k webhook.IdempotencyKey, c *webhook.Claim) error
}

// AuditLog is who changed what. The other stores write it, each in the
// transaction of its change, for the actor in the context.
type AuditLog interface {
	// Record writes an entry for what changes nothing that is stored.
	Record(ctx context.Context, ws webhook.WorkspaceID, t webhook.Target) error
	// List is of every workspace where ws is ""; of the filter only the target and
	// the times count then.
	List(ctx context.Context, ws webhook.WorkspaceID, f webhook.AuditFilter, p webhook.Page) (all []webhook.AuditEntry, more bool, err error)
}

// Explainer reads what tells why an endpoint got an event or did not.
type Explainer interface {
	// States returns endpoints as they are now, newest first; only are some of
	// them, or nil for all.
	States(ctx context.Context, ws webhook.WorkspaceID, only []webhook.ID, p webhook.Page) (all []webhook.EndpointState, more bool, err error)
	// Deliveries returns the newest delivery of an event to each of the endpoints
	// that has one.
	Deliveries(ctx context.Context, ws webhook.WorkspaceID, event webhook.ID, endpoints []webhook.ID) (map[webhook.ID]webhook.Delivery, error)
}

// EventTypes is the catalogue. When a change has returned, events published from
// then on are held against it.
type EventTypes interface {
	Get(ctx context.Context, ws webhook.WorkspaceID, name string) (webhook.EventType, error)
	// List may end a page of large ones before its limit.
	List(ctx context.Context, ws webhook.WorkspaceID, p webhook.Page) (all []webhook.EventType, more bool, err error)
	// Put stores one under its name; created says that there was none.
	Put(ctx context.Context, t webhook.EventType) (out webhook.EventType, created bool, err error)
	Delete(ctx context.Context, ws webhook.WorkspaceID, name string) error
}

// Schemas checks JSON Schemas.
type Schemas interface {
	// Check returns what is wrong with a schema, with pointers below /schema, and
	// with an example of it, below /example. Both may be nil.
	Check(schema, example json.RawMessage) []webhook.FieldError
}

// Accepter stores events, all or none. It returns after the commit.
type Accepter interface {
	Accept(ctx context.Context, ws webhook.WorkspaceID, events []webhook.NewEvent) ([]webhook.Accepted, error)
}

// Waits waits for what becomes of an event that was accepted.
type Waits interface {
	// Wait returns the event's deliveries, of which there are so many, as they are
	// when there is nothing to wait for any more or d is over, and says which.
	Wait(ctx context.Context, e webhook.Awaited, deliveries int, d time.Duration) ([]webhook.Delivery, webhook.WaitEnd)
}

// Tester makes one signed request to an endpoint, now. A failed request is an
// answer and no error.
type Tester interface {
	Test(ctx context.Context, ws webhook.WorkspaceID, endpoint webhook.ID, eventType string, data json.RawMessage) (webhook.Response, error)
	// Diagnose goes the whole way to an endpoint, step by step.
	Diagnose(ctx context.Context, ws webhook.WorkspaceID, endpoint webhook.ID) (webhook.Diagnosis, error)
}

// URLPolicy says whether an endpoint may have this URL; nil is yes.
type URLPolicy interface {
	CheckURL(ctx context.Context, raw string) *webhook.FieldError
}

// CatchUp reads endpoints' feeds.
type CatchUp interface {
	// Page reads on after a position, oldest first. Nothing comes in later before
	// what it returned.
	Page(ctx context.Context, c *webhook.CatchUp) (webhook.CatchUpPage, error)
}

// Stats counts deliveries.
type Stats interface {
	// Stats counts those of a workspace, or of one of its endpoints, whose events
	// were accepted in the window that ends now. The zero endpoint is all.
	Stats(ctx context.Context, ws webhook.WorkspaceID, endpoint webhook.ID, w webhook.StatsWindow, now time.Time) (webhook.Stats, error)
	// StatsOf is that of each of the endpoints, in their order.
	StatsOf(ctx context.Context, ws webhook.WorkspaceID, endpoints []webhook.ID, w webhook.StatsWindow, now time.Time) ([]webhook.Stats, error)
}

// Queues looks at what waits in Redis.
type Queues interface {
	// State is unavailable while Redis is.
	State(ctx context.Context) (webhook.Queues, error)
}
