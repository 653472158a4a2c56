package postgres

import (
	"context"
	"errors"
	"fmt"

	"github.com/postrider/postrider/internal/postgres/internal/dbsqlc"
	"github.com/postrider/postrider/internal/webhook"
)

// recordHalves goes on after Postgres refused a value with bad.
func (s *Deliver) recordHalves(ctx context.Context, outcomes []webhook.Outcome, matched []bool, bad error) error {
	if len(outcomes) == 1 {
		return s.recordBare(ctx, outcomes[0], matched, bad)
	}
	half := len(outcomes) / 2
	first := s.record(ctx, outcomes[:half], matched[:half])
	if first != nil && webhook.CodeOf(first) != webhook.CodeInvalid {
		return first
	}
	second := s.record(ctx, outcomes[half:], matched[half:])
	if second != nil && webhook.CodeOf(second) != webhook.CodeInvalid {
		return second
	}
	return errors.Join(first, second)
}

// recordBare records an attempt without what the receiver sent: that it was made
// counts for more.
func (s *Deliver) recordBare(ctx context.Context, o webhook.Outcome, matched []bool, bad error) error {
	a := &o.Attempt
	a.RequestHeaders, a.ResponseHeaders, a.ResponseBody = nil, nil, nil
	o.Refused = nil
	if o.Status != webhook.StatusSuccess {
		a.Error, a.ErrorClass = "what came back could not be stored", webhook.ClassInternal
	}
	err := s.recordOnce(ctx, []webhook.Outcome{o}, matched)
	if err == nil || !isBadValue(err) {
		return err
	}
	return fmt.Errorf("%w: %w", webhook.Errorf(webhook.CodeInvalid, "the attempt of delivery %s is refused", o.Delivery.DeliveryID), bad)
}

// recordRest goes on where an attempt is there already: the answer to its commit
// got lost, and whoever waits for it tries again.
func (s *Deliver) recordRest(ctx context.Context, outcomes []webhook.Outcome, matched []bool, twice error) error {
	known, err := s.recorded(ctx, outcomes)
	if err != nil {
		return err
	}
	if len(known) == 0 {
		return s.recordHalves(ctx, outcomes, matched, twice)
	}
	var rest []webhook.Outcome
	var places []int
	for i, o := range outcomes {
		row, ok := known[o.Attempt.ID]
		if !ok {
			rest, places = append(rest, o), append(places, i)
			continue
		}
		// No task's id is used twice, so the row tells who decided it.
		matched[i] = o.Status == webhook.StatusSuccess || row.Status == string(o.Status) && row.Task == o.NextTask
	}
	if len(rest) == 0 {
		return nil
	}
	restMatched := make([]bool, len(rest))
	err = s.record(ctx, rest, restMatched)
	for i, place := range places {
		matched[place] = restMatched[i]
	}
	return err
}

// recorded returns the rows of the deliveries whose attempts are there, by attempt.
func (s *Deliver) recorded(ctx context.Context, outcomes []webhook.Outcome) (map[webhook.ID]dbsqlc.RecordedAttemptsRow, error) {
	known := make(map[webhook.ID]dbsqlc.RecordedAttemptsRow)
	for _, d := range byDay(outcomes, func(o *webhook.Outcome) *webhook.Member { return &o.Delivery }) {
		p := dbsqlc.RecordedAttemptsParams{WorkspaceIds: d.workspaces, DeliveryIds: d.ids, Lo: d.lo, Hi: d.hi}
		for _, o := range d.all {
			p.AttemptIds = append(p.AttemptIds, pgID(o.Attempt.ID))
		}
		rows, err := s.db.q.RecordedAttempts(ctx, p)
		if err != nil {
			return nil, fmt.Errorf("look for %d recorded attempts: %w", len(outcomes), available(err))
		}
		for _, r := range rows {
			known[r.ID.Bytes] = r
		}
	}
	return known, nil
}
