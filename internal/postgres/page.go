package postgres

import (
	"time"

	"github.com/jackc/pgx/v5/pgtype"

	"github.com/postrider/postrider/internal/webhook"
)

// lastID is greater than every id there is.
var lastID = webhook.ID{
	0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
}

// before is the id that a page ends in front of.
func before(p webhook.Page) pgtype.UUID {
	if p.Before.IsZero() {
		return pgID(lastID)
	}
	return pgID(p.Before)
}

// idRange is what a page may hold of the time from since up to, not with,
// until: ids from lo up to, not with, hi. A zero time bounds nothing.
func idRange(p webhook.Page, since, until time.Time) (lo, hi pgtype.UUID) {
	first, last := webhook.ID{}, webhook.ID(before(p).Bytes)
	if !since.IsZero() {
		first = webhook.FirstID(webhook.CeilMilli(since))
	}
	if !until.IsZero() {
		last = lower(last, webhook.FirstID(webhook.CeilMilli(until)))
	}
	return pgID(first), pgID(last)
}

func lower(a, b webhook.ID) webhook.ID {
	if compareIDs(a, b) < 0 {
		return a
	}
	return b
}

// cut takes the one row back that was read only to see whether there is more.
func cut[T any](rows []T, limit int) (page []T, more bool) {
	if len(rows) > limit {
		return rows[:limit], true
	}
	return rows, false
}

// bounds are the smallest and the greatest of some ids.
func bounds(ids []pgtype.UUID) (lo, hi pgtype.UUID) {
	for i, id := range ids {
		if i == 0 || compareIDs(id.Bytes, lo.Bytes) < 0 {
			lo = id
		}
		if i == 0 || compareIDs(id.Bytes, hi.Bytes) > 0 {
			hi = id
		}
	}
	return lo, hi
}
