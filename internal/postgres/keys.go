package postgres

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5/pgtype"

	"github.com/postrider/postrider/internal/postgres/internal/dbsqlc"
	"github.com/postrider/postrider/internal/webhook"
)

// Keys stores API keys, as their hashes.
type Keys struct{ db *DB }

// NewKeys makes the store on db.
func NewKeys(db *DB) *Keys { return &Keys{db} }

// Create stores a new key. It is not_found when the workspace is.
func (s *Keys) Create(ctx context.Context, k webhook.Key, hash []byte) error {
	err := s.db.noted(ctx, k.WorkspaceID, k.ID.AsTarget(webhook.KindKey), webhook.KeyChanges(&k), func(q *dbsqlc.Queries) error {
		n, err := q.InsertKey(ctx, dbsqlc.InsertKeyParams{
			ID: pgID(k.ID), WorkspaceID: string(k.WorkspaceID), Name: k.Name, Hash: hash, Hint: k.Hint, Scopes: scopeStrings(k.Scopes),
		})
		return someRow(n, err, "workspace")
	})
	if err != nil {
		return fmt.Errorf("create key %s: %w", k.ID, err)
	}
	return nil
}

// ByHash returns the key with this hash, unless it was revoked or its workspace
// deleted.
func (s *Keys) ByHash(ctx context.Context, hash []byte) (webhook.Key, error) {
	r, err := s.db.q.KeyByHash(ctx, hash)
	if err != nil {
		return webhook.Key{}, fmt.Errorf("look a key up: %w", notFound(err, "key"))
	}
	return keyOf(r.ID, r.WorkspaceID, r.Name, r.Hint, r.Scopes), nil
}

// List returns a workspace's keys that are not revoked, newest first.
func (s *Keys) List(ctx context.Context, ws webhook.WorkspaceID, p webhook.Page) (all []webhook.Key, more bool, err error) {
	rows, err := s.db.q.ListKeys(ctx, dbsqlc.ListKeysParams{
		WorkspaceID: string(ws), Before: before(p), RowLimit: int32(p.Limit + 1),
	})
	if err != nil {
		return nil, false, fmt.Errorf("list keys of workspace %s: %w", ws, available(err))
	}
	rows, more = cut(rows, p.Limit)
	for _, r := range rows {
		all = append(all, keyOf(r.ID, r.WorkspaceID, r.Name, r.Hint, r.Scopes))
	}
	return all, more, nil
}

// Revoke ends a key. It is not_found when it was revoked before.
func (s *Keys) Revoke(ctx context.Context, ws webhook.WorkspaceID, id webhook.ID) error {
	err := s.db.noted(ctx, ws, id.AsTarget(webhook.KindKey), nil, func(q *dbsqlc.Queries) error {
		n, err := q.RevokeKey(ctx, dbsqlc.RevokeKeyParams{ID: pgID(id), WorkspaceID: string(ws)})
		return someRow(n, err, "key")
	})
	if err != nil {
		return fmt.Errorf("revoke key %s: %w", id, err)
	}
	return nil
}

func keyOf(id pgtype.UUID, ws, name, hint string, scopes []string) webhook.Key {
	k := webhook.Key{ID: id.Bytes, WorkspaceID: webhook.WorkspaceID(ws), Name: name, Hint: hint}
	k.CreatedAt = k.ID.Time()
	for _, scope := range scopes {
		k.Scopes = append(k.Scopes, webhook.Scope(scope))
	}
	return k
}

func scopeStrings(scopes []webhook.Scope) []string {
	out := make([]string, len(scopes))
	for i, scope := range scopes {
		out[i] = string(scope)
	}
	return out
}
