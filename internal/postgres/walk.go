package postgres

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5/pgtype"

	"github.com/postrider/postrider/internal/webhook"
)

// A filter that no index is of, such as one by type, is looked for by walking: an
// index for each of them would cost every delivery more than it is worth. A page
// looks at walkFirst rows, then at walkFaster times as many again, and ends after
// some of these steps, however few it found: the next page goes on from there. Rows
// that lie side by side cost a tenth of those that lie scattered, as an endpoint's do.
const (
	walkFirst      = 500
	walkFaster     = 4
	stepsInARow    = 3
	stepsScattered = 2
	stepsOfMany    = 1 // where several walks make a page
)

// step is a row that a walk found, or the last that it looked at.
type step struct {
	id      webhook.ID
	matches bool
	last    bool // there may be more behind it
}

// walker looks at most rows from lo up to, not with, hi, and returns limit matches.
type walker func(ctx context.Context, lo, hi pgtype.UUID, most, limit int32) ([]step, error)

// walk returns the ids of a page, and where the next one goes on; zero where there is
// nothing more.
func walk(ctx context.Context, lo, hi pgtype.UUID, limit, steps int, look walker) (ids []pgtype.UUID, next webhook.ID, err error) {
	most := int32(walkFirst)
	for range steps {
		rows, err := look.near(ctx, lo, hi, most, int32(limit+1-len(ids)))
		if err != nil {
			return nil, next, err
		}
		end := true
		for _, s := range rows {
			if s.matches {
				ids = append(ids, pgID(s.id))
			}
			hi, end = pgID(s.id), !s.last
		}
		if len(ids) > limit {
			return ids[:limit], ids[limit-1].Bytes, nil
		}
		if end {
			return ids, webhook.ID{}, nil
		}
		most *= walkFaster
	}
	return ids, hi.Bytes, nil
}

// near looks at the newest days first: a step that ended there, or found enough, is one
// over all days.
func (look walker) near(ctx context.Context, lo, hi pgtype.UUID, most, limit int32) ([]step, error) {
	return nearFirst(lo, hi, time.Now(), func(lo pgtype.UUID) ([]step, error) {
		return look(ctx, lo, hi, most, limit)
	}, func(rows []step) bool {
		return len(rows) > 0 && (rows[len(rows)-1].last || matching(rows) >= int(limit))
	})
}

// matching counts those that a page has: of an outcome many are looked at that are not.
func matching(rows []step) (n int) {
	for _, s := range rows {
		if s.matches {
			n++
		}
	}
	return n
}

// around are the bounds of some ids, for statements that end before hi.
func around(ids []pgtype.UUID) (lo, hi pgtype.UUID) {
	lo, hi = bounds(ids)
	_, next := millisecondOf(hi.Bytes)
	return lo, pgID(next)
}
