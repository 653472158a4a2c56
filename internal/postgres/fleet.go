package postgres

import (
	"context"
	"fmt"

	"github.com/postrider/postrider/internal/postgres/internal/dbsqlc"
	"github.com/postrider/postrider/internal/webhook"
)

// Fleet implements what the leader measures of a whole deployment.
type Fleet struct{ db *DB }

// NewFleet makes the store on db.
func NewFleet(db *DB) *Fleet { return &Fleet{db} }

// Held is how many deliveries are held for which reason, of look that are looked at.
func (s *Fleet) Held(ctx context.Context, look int) (map[string]int, error) {
	rows, err := s.db.q.CountHeld(ctx, int32(look))
	if err != nil {
		return nil, fmt.Errorf("count held deliveries: %w", available(err))
	}
	held := make(map[string]int, len(rows))
	for _, r := range rows {
		held[r.Reason] = int(r.Deliveries)
	}
	return held, nil
}

// Breakers is how many endpoints have an open breaker, and how many others fail.
func (s *Fleet) Breakers(ctx context.Context) (open, failing int, err error) {
	r, err := s.db.q.CountBreakers(ctx)
	if err != nil {
		return 0, 0, fmt.Errorf("count open breakers: %w", available(err))
	}
	return int(r.Open), int(r.Failing), nil
}

// Endpoints counts look endpoints after the one given. last is zero at the end.
func (s *Fleet) Endpoints(ctx context.Context, after webhook.ID, look int) (active, disabled int, last webhook.ID, err error) {
	r, err := s.db.q.CountEndpoints(ctx, dbsqlc.CountEndpointsParams{After: pgID(after), Look: int32(look)})
	if err != nil {
		return 0, 0, last, fmt.Errorf("count endpoints: %w", available(err))
	}
	if int(r.Looked) == look {
		last = r.Last.Bytes
	}
	return int(r.Active), int(r.Disabled), last, nil
}

// Workers is how many live.
func (s *Fleet) Workers(ctx context.Context) (int, error) {
	n, err := s.db.q.LiveWorkers(ctx)
	if err != nil {
		return 0, fmt.Errorf("count live workers: %w", available(err))
	}
	return int(n), nil
}
