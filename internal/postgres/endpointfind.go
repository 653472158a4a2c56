package postgres

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5/pgtype"

	"github.com/postrider/postrider/internal/postgres/internal/dbsqlc"
	"github.com/postrider/postrider/internal/webhook"
)

// endpointsLooked bounds how many endpoints a page of some of them looks at.
const endpointsLooked = 1000

// Find returns the ids of a workspace's endpoints that are as wanted, newest first, and
// where the next page goes on; zero where there is none. A page of what is rare ends
// before its limit, for it looks at a bounded number of endpoints; those that fail have
// an index of their own.
func (s *Endpoints) Find(ctx context.Context, ws webhook.WorkspaceID, f webhook.EndpointFilter, p webhook.Page) (ids []webhook.ID, next webhook.ID, err error) {
	rows, err := s.look(ctx, ws, f, p)
	if err != nil {
		return nil, next, fmt.Errorf("find endpoints of workspace %s: %w", ws, available(err))
	}
	for _, r := range rows {
		if r.Matches && len(ids) == p.Limit {
			return ids, ids[len(ids)-1], nil
		}
		if r.Matches {
			ids = append(ids, r.ID.Bytes)
		}
	}
	if len(rows) == endpointsLooked {
		next = rows[len(rows)-1].ID.Bytes
	}
	return ids, next, nil
}

func (s *Endpoints) look(ctx context.Context, ws webhook.WorkspaceID, f webhook.EndpointFilter, p webhook.Page) ([]dbsqlc.WalkEndpointsRow, error) {
	arg := dbsqlc.WalkEndpointsParams{State: f.Health, Search: f.Search, WorkspaceID: string(ws), Before: before(p), Most: endpointsLooked}
	if f.Health != webhook.HealthFailing && f.Health != webhook.HealthOpen {
		return s.db.q.WalkEndpoints(ctx, arg)
	}
	rows, err := s.db.q.WalkUnhealthy(ctx, dbsqlc.WalkUnhealthyParams(arg))
	out := make([]dbsqlc.WalkEndpointsRow, len(rows))
	for i := range rows {
		out[i] = dbsqlc.WalkEndpointsRow(rows[i])
	}
	return out, err
}

// Some returns those of the endpoints that exist, newest first, as Get does.
func (s *Endpoints) Some(ctx context.Context, ws webhook.WorkspaceID, ids []webhook.ID) ([]webhook.Endpoint, error) {
	if len(ids) == 0 {
		return nil, nil
	}
	all, _, err := s.list(ctx, ws, pgIDs(ids, sameID), webhook.Page{Limit: len(ids)})
	return all, err
}

// list is a page of all endpoints, or of some; nil is all.
func (s *Endpoints) list(ctx context.Context, ws webhook.WorkspaceID, ids []pgtype.UUID, p webhook.Page) (all []webhook.Endpoint, more bool, err error) {
	rows, err := s.db.q.ListEndpoints(ctx, dbsqlc.ListEndpointsParams{
		WorkspaceID: string(ws), Before: before(p), Ids: ids, RowLimit: int32(p.Limit + 1),
	})
	if err != nil {
		return nil, false, fmt.Errorf("list endpoints of workspace %s: %w", ws, available(err))
	}
	rows, more = cut(rows, p.Limit)
	for i := range rows {
		e, err := s.endpointOf(&rows[i])
		if err != nil {
			return nil, false, fmt.Errorf("list endpoints of workspace %s: %w", ws, err)
		}
		all = append(all, e)
	}
	return all, more, nil
}
