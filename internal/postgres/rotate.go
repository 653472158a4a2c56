package postgres

import (
	"context"
	"fmt"

	"github.com/postrider/postrider/internal/postgres/internal/dbsqlc"
	"github.com/postrider/postrider/internal/webhook"
)

// rotatePage bounds the endpoints that are read at a time, and rotatePasses how
// often those are looked at again that changed in between.
const (
	rotatePage   = 500
	rotatePasses = 10
)

// Rotation is what RotateSecrets did.
type Rotation struct {
	// Rotated is how many endpoints' secrets and headers are now encrypted with
	// the newest key and were not before.
	Rotated int
	// Unreadable are endpoints that none of the keys decrypts; they are left as
	// they are.
	Unreadable []webhook.ID
}

// RotateSecrets encrypts every endpoint's secret and custom headers with the
// newest key. It may be stopped at any moment and run again, and beside every
// other process: each of them has to know the newest key by then.
func (db *DB) RotateSecrets(ctx context.Context) (Rotation, error) {
	var all Rotation
	for range rotatePasses {
		done, overtaken, err := db.rotateOnce(ctx)
		all.Rotated += done.Rotated
		all.Unreadable = done.Unreadable
		if err != nil {
			return all, fmt.Errorf("rotate secrets: %w", err)
		}
		if overtaken == 0 {
			return all, nil
		}
	}
	return all, fmt.Errorf("rotate secrets: endpoints kept changing in %d passes; run it again", rotatePasses)
}

// rotateOnce goes through all endpoints once, in pages.
func (db *DB) rotateOnce(ctx context.Context) (done Rotation, overtaken int, err error) {
	after := webhook.ID{}
	for {
		page, err := db.q.StaleSecrets(ctx, dbsqlc.StaleSecretsParams{
			After: pgID(after), Newest: db.seal.newest[:], RowLimit: rotatePage,
		})
		if err != nil {
			return done, overtaken, available(err)
		}
		for _, row := range page {
			after = webhook.ID(row.ID.Bytes)
			replacement, err := db.reseal(row)
			if err != nil {
				done.Unreadable = append(done.Unreadable, after)
				continue
			}
			n, err := db.q.ReplaceSecrets(ctx, replacement)
			if err != nil {
				return done, overtaken, available(err)
			}
			done.Rotated += int(n)
			overtaken += 1 - int(n)
		}
		if len(page) < rotatePage {
			return done, overtaken, nil
		}
	}
}

// reseal decrypts a row's values and encrypts them with the newest key.
func (db *DB) reseal(row dbsqlc.StaleSecretsRow) (out dbsqlc.ReplaceSecretsParams, err error) {
	out = dbsqlc.ReplaceSecretsParams{ID: row.ID, OldSecret: row.Secret, OldHeaders: row.Headers, OldNextSecret: row.NextSecret}
	if out.Secret, err = db.resealValue(row.ID.Bytes, row.Secret); err != nil {
		return out, err
	}
	if out.Headers, err = db.resealValue(row.ID.Bytes, row.Headers); err != nil {
		return out, err
	}
	out.NextSecret, err = db.resealValue(row.ID.Bytes, row.NextSecret)
	return out, err
}

// resealValue is nil for a value that is not there.
func (db *DB) resealValue(endpoint webhook.ID, sealed []byte) ([]byte, error) {
	if sealed == nil {
		return nil, nil
	}
	plain, err := db.seal.open(endpoint, sealed)
	if err != nil {
		return nil, err
	}
	return db.seal.seal(endpoint, plain)
}
