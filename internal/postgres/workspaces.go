package postgres

import (
	"context"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgtype"

	"github.com/postrider/postrider/internal/postgres/internal/dbsqlc"
	"github.com/postrider/postrider/internal/webhook"
)

// Workspaces stores workspaces.
type Workspaces struct{ db *DB }

// NewWorkspaces makes the store on db.
func NewWorkspaces(db *DB) *Workspaces { return &Workspaces{db} }

// Create stores a new workspace. An id that is or ever was taken is a conflict:
// deliveries of the one that had it may still be around.
// Of w ID, Name and PortalOrigins count.
func (s *Workspaces) Create(ctx context.Context, w webhook.Workspace) (webhook.Workspace, error) {
	var r dbsqlc.InsertWorkspaceRow
	err := s.db.noted(ctx, w.ID, workspaceTarget(w.ID), webhook.WorkspaceChanges(nil, &w), func(q *dbsqlc.Queries) (err error) {
		r, err = q.InsertWorkspace(ctx, dbsqlc.InsertWorkspaceParams{ID: string(w.ID), Name: w.Name, PortalOrigins: orEmpty(w.PortalOrigins)})
		if errors.Is(err, pgx.ErrNoRows) {
			return webhook.Errorf(webhook.CodeConflict, "a workspace with the id %q exists or existed", w.ID)
		}
		return err
	})
	if err != nil {
		return webhook.Workspace{}, fmt.Errorf("create workspace %s: %w", w.ID, err)
	}
	return workspaceOf(dbsqlc.WorkspaceByIDRow(r)), nil
}

// Get returns a workspace that is not deleted.
func (s *Workspaces) Get(ctx context.Context, id webhook.WorkspaceID) (webhook.Workspace, error) {
	r, err := s.db.q.WorkspaceByID(ctx, string(id))
	if err != nil {
		return webhook.Workspace{}, fmt.Errorf("read workspace %s: %w", id, notFound(err, "workspace"))
	}
	return workspaceOf(r), nil
}

// List returns up to limit workspaces, newest first, that come after the one
// given; of that only ID and CreatedAt count, and the zero value starts at the
// newest. more says that there are others.
func (s *Workspaces) List(ctx context.Context, after webhook.Workspace, limit int) (all []webhook.Workspace, more bool, err error) {
	before := pgtype.Timestamptz{Valid: true, InfinityModifier: pgtype.Infinity}
	if !after.CreatedAt.IsZero() {
		before = pgTime(after.CreatedAt)
	}
	rows, err := s.db.q.ListWorkspaces(ctx, dbsqlc.ListWorkspacesParams{
		BeforeTime: before, BeforeID: string(after.ID), RowLimit: int32(limit + 1),
	})
	if err != nil {
		return nil, false, fmt.Errorf("list workspaces: %w", available(err))
	}
	rows, more = cut(rows, limit)
	for _, r := range rows {
		all = append(all, workspaceOf(dbsqlc.WorkspaceByIDRow(r)))
	}
	return all, more, nil
}

// Update changes what edit does of a workspace's Name and PortalOrigins, with no
// other change under way. edit's error ends it and is returned.
func (s *Workspaces) Update(ctx context.Context, id webhook.WorkspaceID, edit func(*webhook.Workspace) error) (webhook.Workspace, error) {
	var r dbsqlc.UpdateWorkspaceRow
	err := s.db.inTx(ctx, func(q *dbsqlc.Queries, _ pgx.Tx) error {
		was, err := q.LockWorkspace(ctx, string(id))
		if err != nil {
			return notFound(err, "workspace")
		}
		before := webhook.Workspace{ID: id, Name: was.Name, PortalOrigins: was.PortalOrigins}
		after := before
		if err := edit(&after); err != nil {
			return err
		}
		r, err = q.UpdateWorkspace(ctx, dbsqlc.UpdateWorkspaceParams{ID: string(id), Name: after.Name, PortalOrigins: orEmpty(after.PortalOrigins)})
		if err != nil {
			return err
		}
		return s.db.note(ctx, q, id, workspaceTarget(id), webhook.WorkspaceChanges(&before, &after)...)
	})
	if err != nil {
		return webhook.Workspace{}, fmt.Errorf("change workspace %s: %w", id, err)
	}
	return workspaceOf(dbsqlc.WorkspaceByIDRow(r)), nil
}

// Delete ends a workspace: its keys stop working, its endpoints go with it and
// their secrets are wiped. The row stays, so that the id is not given again.
func (s *Workspaces) Delete(ctx context.Context, id webhook.WorkspaceID) error {
	err := s.db.inTx(ctx, func(q *dbsqlc.Queries, _ pgx.Tx) error {
		version, err := q.DeleteWorkspace(ctx, string(id))
		if err != nil {
			return notFound(err, "workspace")
		}
		ends, err := q.DeleteWorkspaceEndpoints(ctx, dbsqlc.DeleteWorkspaceEndpointsParams{WorkspaceID: string(id), Version: version})
		if err != nil {
			return err
		}
		ids := make([]webhook.ID, len(ends))
		for i, end := range ends {
			ids[i] = end.Bytes
		}
		if err := q.NoteLines(ctx, dbsqlc.NoteLinesParams{EndpointIds: ends, WorkspaceID: string(id)}); err != nil {
			return err
		}
		if err := startAnew(ctx, q, ids...); err != nil {
			return err
		}
		if err := q.RevokeWorkspaceKeys(ctx, string(id)); err != nil {
			return err
		}
		return s.db.note(ctx, q, id, workspaceTarget(id))
	})
	if err != nil {
		return fmt.Errorf("delete workspace %s: %w", id, err)
	}
	return nil
}

func workspaceTarget(id webhook.WorkspaceID) webhook.Target {
	return webhook.Target{Kind: webhook.KindWorkspace, ID: string(id)}
}

func workspaceOf(r dbsqlc.WorkspaceByIDRow) webhook.Workspace {
	return webhook.Workspace{
		ID: webhook.WorkspaceID(r.ID), Name: r.Name, PortalOrigins: r.PortalOrigins, CreatedAt: r.CreatedAt.Time.UTC(), UpdatedAt: r.UpdatedAt.Time.UTC(),
	}
}

// orEmpty is for a column that takes no NULL.
func orEmpty(list []string) []string {
	if list == nil {
		return []string{}
	}
	return list
}
