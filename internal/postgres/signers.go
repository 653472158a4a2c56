package postgres

import (
	"context"
	"fmt"
	"slices"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgtype"

	"github.com/postrider/postrider/internal/postgres/internal/dbsqlc"
	"github.com/postrider/postrider/internal/webhook"
)

// queueSigners notes of attempts whose endpoint's secrets rotate whose signature
// they had, and adds the request before, where there was one. Those are few:
// statements of their own keep it out of what every group pays for.
func queueSigners(b *pgx.Batch, successes, failures []*entry) {
	var signed, refused []*entry
	for _, e := range slices.Concat(successes, failures) {
		if e.Attempt.SignedWith != "" {
			signed = append(signed, e)
		}
		if e.Refused != nil {
			refused = append(refused, e)
		}
	}
	for _, d := range byDay(signed, delivery) {
		c := attemptColumns(d.all)
		with := make([]string, len(d.all))
		for i, p := range d.all {
			with[i] = (*p).Attempt.SignedWith
		}
		b.Queue(dbsqlc.NoteSigners, d.lo, d.hi, d.workspaces, d.ids, c.attempts, with)
	}
	for _, d := range byDay(refused, delivery) {
		queueRefused(b, d)
	}
}

func queueRefused(b *pgx.Batch, d *dayOf[*entry]) {
	var (
		c                   columns
		after               []pgtype.UUID
		errs, classes, with []string
	)
	for _, p := range d.all {
		a := (*p).Refused
		c.add(a)
		after = append(after, pgID((*p).Attempt.ID))
		errs, classes, with = append(errs, clean(a.Error)), append(classes, string(a.ErrorClass)), append(with, a.SignedWith)
	}
	b.Queue(dbsqlc.RecordRefused, d.workspaces, d.ids, after, c.attempts, c.startedAts, c.durations, c.statusCodes,
		errs, classes, c.requestHeaders, c.responseHeaders, c.responseBodys, with, d.lo, d.hi)
}

// Promote makes an endpoint's next secret its only one, if it still is what it
// was at the version seen. It may be repeated.
func (s *Deliver) Promote(ctx context.Context, ws webhook.WorkspaceID, endpoint webhook.ID, seen int64) error {
	err := NewEndpoints(s.db).change(ctx, ws, func(q *dbsqlc.Queries, version int64) error {
		_, err := q.PromoteSecret(ctx, dbsqlc.PromoteSecretParams{ID: pgID(endpoint), WorkspaceID: string(ws), Seen: seen, Version: version})
		return err
	})
	if err != nil {
		return fmt.Errorf("promote the next secret of endpoint %s: %w", endpoint, err)
	}
	return nil
}
