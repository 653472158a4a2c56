package postgres

import (
	"time"

	"github.com/jackc/pgx/v5/pgtype"

	"github.com/postrider/postrider/internal/webhook"
)

// nearFirst reads what is older than hi, the newest first: of its day and the one
// before, and of all down to lo only where that fills no page. A statement is planned
// for every day between its bounds, and for forty of them that takes longer than
// reading a page. now is any clock: it decides how much is read, and never what.
func nearFirst[T any](lo, hi pgtype.UUID, now time.Time, read func(lo pgtype.UUID) ([]T, error), full func([]T) bool) ([]T, error) {
	if near := dayBeforeThat(hi.Bytes, now); compareIDs(near, lo.Bytes) > 0 {
		if rows, err := read(pgID(near)); err != nil || full(rows) {
			return rows, err
		}
	}
	return read(lo)
}

// dayBeforeThat is the first id of the day before an id's, or before now's where
// that is earlier, as for a list without an end.
func dayBeforeThat(id webhook.ID, now time.Time) webhook.ID {
	day := id.Time()
	if now.Before(day) {
		day = now
	}
	return webhook.FirstID(day.UTC().Truncate(24*time.Hour).AddDate(0, 0, -1))
}
