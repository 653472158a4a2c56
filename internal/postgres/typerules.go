package postgres

import (
	"context"
	"fmt"

	"github.com/postrider/postrider/internal/postgres/internal/dbsqlc"
	"github.com/postrider/postrider/internal/webhook"
)

// Rules returns each workspace's types whose events are held against a schema.
func (s *Ingest) Rules(ctx context.Context, ids []webhook.WorkspaceID) (map[webhook.WorkspaceID]map[string]webhook.TypeRule, error) {
	rows, err := s.db.q.TypeRules(ctx, workspaceStrings(ids))
	if err != nil {
		return nil, fmt.Errorf("load rules of event types: %w", available(err))
	}
	out := make(map[webhook.WorkspaceID]map[string]webhook.TypeRule)
	for _, r := range rows {
		ws := webhook.WorkspaceID(r.WorkspaceID)
		if out[ws] == nil {
			out[ws] = make(map[string]webhook.TypeRule)
		}
		out[ws][r.Name] = webhook.TypeRule{Validation: webhook.Validation(r.Validation), Version: r.Version}
	}
	return out, nil
}

// Schemas returns the schemas of those of a workspace's types that have a rule.
func (s *Ingest) Schemas(ctx context.Context, ws webhook.WorkspaceID, names []string) (map[string]webhook.TypeSchema, error) {
	rows, err := s.db.q.TypeSchemas(ctx, dbsqlc.TypeSchemasParams{WorkspaceID: string(ws), Names: names})
	if err != nil {
		return nil, fmt.Errorf("load schemas of workspace %s: %w", ws, available(err))
	}
	out := make(map[string]webhook.TypeSchema, len(rows))
	for _, r := range rows {
		out[r.Name] = webhook.TypeSchema{Version: r.Version, Schema: r.Schema}
	}
	return out, nil
}

// Known returns those of a caller's own event ids that are taken.
func (s *Ingest) Known(ctx context.Context, ws webhook.WorkspaceID, ids []string) ([]string, error) {
	known, err := s.db.q.KnownEventIDs(ctx, dbsqlc.KnownEventIDsParams{WorkspaceID: string(ws), Ids: ids})
	if err != nil {
		return nil, fmt.Errorf("look event ids up: %w", available(err))
	}
	return known, nil
}
