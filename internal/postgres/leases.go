package postgres

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/postrider/postrider/internal/postgres/internal/dbsqlc"
)

// Leases implements leadership: one row a role, renewed by Postgres's clock. An
// advisory lock of a session would not do: behind a pooler in transaction mode
// two processes can both hold one.
type Leases struct{ db *DB }

// NewLeases makes the store on db.
func NewLeases(db *DB) *Leases { return &Leases{db} }

// Acquire takes the lease or renews it for ttl from now. held is false while
// somebody else has it; epoch counts the changes of holder.
func (s *Leases) Acquire(ctx context.Context, name, holder string, ttl time.Duration) (epoch int64, held bool, err error) {
	epoch, err = s.db.q.AcquireLease(ctx, dbsqlc.AcquireLeaseParams{Name: name, Holder: holder, TtlS: ttl.Seconds()})
	if errors.Is(err, pgx.ErrNoRows) {
		return 0, false, nil
	}
	if err != nil {
		return 0, false, fmt.Errorf("acquire lease %s: %w", name, available(err))
	}
	return epoch, true, nil
}

// Release lets the lease go, if holder has it.
func (s *Leases) Release(ctx context.Context, name, holder string) error {
	if err := s.db.q.ReleaseLease(ctx, dbsqlc.ReleaseLeaseParams{Name: name, Holder: holder}); err != nil {
		return fmt.Errorf("release lease %s: %w", name, available(err))
	}
	return nil
}
