package postgres

import (
	"context"
	"slices"

	"github.com/jackc/pgx/v5/pgtype"

	"github.com/postrider/postrider/internal/postgres/internal/dbsqlc"
	"github.com/postrider/postrider/internal/webhook"
)

// outcome is what a list wants of last attempts; nil wants nothing. A delivery's row
// does not know it: a column would be one more write of the hot path for each attempt.
// So it is looked up for what the walk came by, which is bounded.
type outcome struct {
	db    *DB
	arg   dbsqlc.DeliveriesByOutcomeParams
	steps int // of a walk
}

func (s *Deliveries) outcomeOf(ws string, f *webhook.DeliveryFilter) *outcome {
	o := &outcome{db: s.db, steps: stepsScattered, arg: dbsqlc.DeliveriesByOutcomeParams{
		WorkspaceID: ws, NoAnswer: f.StatusClass == webhook.NoAnswer, ErrorClass: orNil(string(f.ErrorClass)),
	}}
	if first, last := f.StatusClass.Codes(); first > 0 {
		a, b := int32(first), int32(last)
		o.arg.FirstCode, o.arg.LastCode = &a, &b
	}
	return o
}

// keep returns those of the ids that are wanted.
func (o *outcome) keep(ctx context.Context, ids []pgtype.UUID) (map[webhook.ID]bool, error) {
	kept := map[webhook.ID]bool{}
	if len(ids) == 0 {
		return kept, nil
	}
	arg := o.arg
	arg.DeliveryIds = ids
	arg.Lo, arg.Hi = bounds(ids)
	rows, err := o.db.q.DeliveriesByOutcome(ctx, arg)
	for _, id := range rows {
		kept[id.Bytes] = true
	}
	return kept, err
}

// among is a walk that looks at what another one found.
func (o *outcome) among(look walker) walker {
	return func(ctx context.Context, lo, hi pgtype.UUID, most, _ int32) ([]step, error) {
		steps, err := look(ctx, lo, hi, most, most)
		if err != nil {
			return nil, err
		}
		var found []pgtype.UUID
		for _, s := range steps {
			if s.matches {
				found = append(found, pgID(s.id))
			}
		}
		kept, err := o.keep(ctx, found)
		for i := range steps {
			steps[i].matches = kept[steps[i].id]
		}
		return steps, err
	}
}

// lookByOutcome finds the ids of a page. What failed is little of all that there is, and
// has an index for each of its statuses: it is looked for by those.
func (s *Deliveries) lookByOutcome(ctx context.Context, arg *dbsqlc.ListDeliveriesParams, f *webhook.DeliveryFilter, limit int) (ids []pgtype.UUID, next webhook.ID, err error) {
	o := s.outcomeOf(arg.WorkspaceID, f)
	if f.Status != "" || !f.EventID.IsZero() || !f.OfFailures() {
		return s.look(ctx, arg, limit, o)
	}
	o.steps = stepsOfMany
	for _, status := range []webhook.Status{webhook.StatusFailed, webhook.StatusCanceled, webhook.StatusPending} {
		one := *arg
		one.Status = orNil(string(status))
		some, end, err := s.look(ctx, &one, limit, o)
		if err != nil {
			return nil, next, err
		}
		ids = append(ids, some...)
		if compareIDs(end, next) > 0 {
			next = end
		}
	}
	ids, next = merged(ids, next, limit)
	return ids, next, nil
}

// merged is a page of several lists' ids, all of which are known down to next only.
func merged(ids []pgtype.UUID, next webhook.ID, limit int) ([]pgtype.UUID, webhook.ID) {
	ids = slices.DeleteFunc(ids, func(id pgtype.UUID) bool { return compareIDs(id.Bytes, next) < 0 })
	slices.SortFunc(ids, func(a, b pgtype.UUID) int { return compareIDs(b.Bytes, a.Bytes) })
	if len(ids) > limit {
		return ids[:limit], ids[limit-1].Bytes
	}
	return ids, next
}

// lookPendingBy looks up the last attempts of as many as a walk would begin with.
func (s *Deliveries) lookPendingBy(ctx context.Context, arg *dbsqlc.ListDeliveriesParams, limit int, o *outcome) (ids []pgtype.UUID, next webhook.ID, all bool, err error) {
	found, next, all, err := s.lookPending(ctx, arg, walkFirst, nil)
	if err != nil || !all {
		return nil, next, all, err
	}
	kept, err := o.keep(ctx, found)
	ids = slices.DeleteFunc(found, func(id pgtype.UUID) bool { return !kept[id.Bytes] })
	if len(ids) > limit {
		ids, next = ids[:limit], ids[limit-1].Bytes
	}
	return ids, next, true, err
}
