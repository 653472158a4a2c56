package postgres

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/postrider/postrider/internal/postgres/internal/dbsqlc"
	"github.com/postrider/postrider/internal/webhook"
)

// PortalLinks stores links into the portal, as the hashes of their tokens.
type PortalLinks struct{ db *DB }

// NewPortalLinks makes the store on db.
func NewPortalLinks(db *DB) *PortalLinks { return &PortalLinks{db} }

// Create stores a new link, and forgets some that are over. It is not_found when the
// workspace is.
func (s *PortalLinks) Create(ctx context.Context, l webhook.PortalLink, hash []byte, now time.Time) error {
	err := s.db.noted(ctx, l.WorkspaceID, l.ID.AsTarget(webhook.KindPortalLink), webhook.PortalLinkChanges(&l), func(q *dbsqlc.Queries) error {
		if _, err := q.RemoveOldPortalLinks(ctx, dbsqlc.RemoveOldPortalLinksParams{Now: pgTime(now), N: removeSessions}); err != nil {
			return err
		}
		n, err := q.InsertPortalLink(ctx, dbsqlc.InsertPortalLinkParams{
			Hash: hash, ID: pgID(l.ID), WorkspaceID: string(l.WorkspaceID), Manage: l.Manage, ExpiresAt: pgTime(l.ExpiresAt),
		})
		return someRow(n, err, "workspace")
	})
	if err != nil {
		return fmt.Errorf("create portal link %s: %w", l.ID, err)
	}
	return nil
}

// Sessions stores who is signed in, as the hashes of their cookies.
type Sessions struct{ db *DB }

// NewSessions makes the store on db.
func NewSessions(db *DB) *Sessions { return &Sessions{db} }

// removeSessions is how many of those that are over go with each new one.
const removeSessions = 100

// Create stores a session, and forgets some that are over.
func (s *Sessions) Create(ctx context.Context, hash []byte, in *webhook.Session, now time.Time) error {
	err := s.db.inTx(ctx, func(q *dbsqlc.Queries, _ pgx.Tx) error { return insertSession(ctx, q, hash, in, now) })
	if err != nil {
		return fmt.Errorf("create a session: %w", err)
	}
	return nil
}

func insertSession(ctx context.Context, q *dbsqlc.Queries, hash []byte, in *webhook.Session, now time.Time) error {
	if _, err := q.RemoveOldSessions(ctx, dbsqlc.RemoveOldSessionsParams{Now: pgTime(now), N: removeSessions}); err != nil {
		return err
	}
	p := dbsqlc.InsertSessionParams{Hash: hash, Kind: in.Kind, WorkspaceID: orNil(string(in.Workspace.ID)), ExpiresAt: pgTime(in.ExpiresAt)}
	switch in.Kind {
	case webhook.SessionKey:
		p.KeyID = pgID(in.Key.ID)
	case webhook.SessionPortal:
		p.LinkID, p.Manage = pgID(in.Key.ID), in.Key.Allows(webhook.ScopeEndpointsWrite)
	}
	return q.InsertSession(ctx, p)
}

// Enter turns a portal link into a session, once: of two at the same time one is
// not_found, as is who comes too late. Of in ExpiresAt counts; the rest is the link's.
func (s *Sessions) Enter(ctx context.Context, link, hash []byte, in webhook.Session, now time.Time) (webhook.Session, error) {
	err := s.db.inTx(ctx, func(q *dbsqlc.Queries, _ pgx.Tx) error {
		l, err := q.TakePortalLink(ctx, dbsqlc.TakePortalLinkParams{Hash: link, Now: pgTime(now)})
		if err != nil {
			return notFound(err, "portal link")
		}
		in.Kind = webhook.SessionPortal
		in.Workspace.ID = webhook.WorkspaceID(l.WorkspaceID)
		in.Key = webhook.Key{ID: l.ID.Bytes, WorkspaceID: in.Workspace.ID, Scopes: webhook.PortalScopes(l.Manage)}
		return insertSession(ctx, q, hash, &in, now)
	})
	if err != nil {
		return webhook.Session{}, fmt.Errorf("use a portal link: %w", err)
	}
	return in, nil
}

// ByHash returns the session with this hash. It is not_found when that is over: when
// its time is, its key was revoked or its workspace deleted.
func (s *Sessions) ByHash(ctx context.Context, hash []byte, now time.Time) (webhook.Session, error) {
	r, err := s.db.q.SessionByHash(ctx, dbsqlc.SessionByHashParams{Hash: hash, Now: pgTime(now)})
	if err != nil {
		return webhook.Session{}, fmt.Errorf("look a session up: %w", notFound(err, "session"))
	}
	ws := webhook.Workspace{ID: webhook.WorkspaceID(deref(r.WorkspaceID)), Name: r.WorkspaceName, PortalOrigins: r.PortalOrigins}
	out := webhook.Session{Kind: r.Kind, Workspace: ws, ExpiresAt: r.ExpiresAt.Time.UTC()}
	switch r.Kind {
	case webhook.SessionKey:
		out.Key = keyOf(r.KeyID, string(ws.ID), r.KeyName, "", r.KeyScopes)
	case webhook.SessionPortal:
		out.Key = webhook.Key{ID: r.LinkID.Bytes, WorkspaceID: ws.ID, Scopes: webhook.PortalScopes(r.Manage)}
	}
	return out, nil
}

// Remove ends a session. One that is over already is fine.
func (s *Sessions) Remove(ctx context.Context, hash []byte) error {
	if err := s.db.q.RemoveSession(ctx, hash); err != nil {
		return fmt.Errorf("end a session: %w", available(err))
	}
	return nil
}
