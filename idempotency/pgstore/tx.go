package pgstore

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/postrider/postrider/idempotency"
)

// txPrefix keeps keys of transactions apart from those of Begin: a handler behind
// idempotency.Once may use OnceTx with the same event.
const txPrefix = "tx:"

// OnceTx reports whether a key, such as an event's id, is new, and marks it as
// done in tx: the mark is committed with what else the transaction does, and
// rolled back with it. keep is how long it is remembered; 0 means
// idempotency.DefaultKeep. Where another transaction has the key it waits until
// that has ended. Only if first is true is there something to do.
//
// It is meant for READ COMMITTED, Postgres's default: under a stricter level it
// may fail with a serialization error, and the transaction has to be tried again.
func (s *Store) OnceTx(ctx context.Context, tx pgx.Tx, key string, keep time.Duration) (first bool, err error) {
	if keep == 0 {
		keep = idempotency.DefaultKeep
	}
	first, err = one(tx.QueryRow(ctx, s.sql(claim), txPrefix+key, "", true, keep.Seconds()))
	if err != nil {
		return false, fmt.Errorf("claim %s in the transaction: %w", key, err)
	}
	return first, nil
}
