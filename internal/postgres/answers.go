package postgres

import (
	"context"
	"fmt"
	"slices"

	"github.com/jackc/pgx/v5"

	"github.com/postrider/postrider/internal/postgres/internal/dbsqlc"
	"github.com/postrider/postrider/internal/webhook"
)

// Taken returns those of the keys that somebody has, for however long.
func (s *Ingest) Taken(ctx context.Context, keys []webhook.IdempotencyKey) (map[webhook.IdempotencyKey]bool, error) {
	var p dbsqlc.KeyOwnersParams
	for _, k := range keys {
		p.WorkspaceIds, p.Routes, p.Keys = append(p.WorkspaceIds, string(k.WorkspaceID)), append(p.Routes, k.Route), append(p.Keys, k.Key)
	}
	rows, err := s.db.q.KeyOwners(ctx, p)
	if err != nil {
		return nil, fmt.Errorf("look for %d idempotency keys: %w", len(keys), available(err))
	}
	taken := make(map[webhook.IdempotencyKey]bool, len(rows))
	for _, r := range rows {
		taken[webhook.IdempotencyKey{WorkspaceID: webhook.WorkspaceID(r.WorkspaceID), Route: r.Route, Key: r.Key}] = true
	}
	return taken, nil
}

// sealedAnswer is an answer as it is stored, with its event's id for its token.
type sealedAnswer struct {
	webhook.IdempotencyKey
	event        webhook.ID
	hash, sealed []byte
	// taken stays set, also when the group is sent again because its commit's answer
	// got lost: the key may be free by then, but the event was left out.
	taken bool
}

// sealAnswers encrypts the group's answers, sorted by their keys.
func (s *sealer) sealAnswers(g *webhook.Group) ([]*sealedAnswer, error) {
	out := make([]*sealedAnswer, len(g.Answers))
	for i := range g.Answers {
		a := &g.Answers[i]
		event := g.Events[a.Event].ID
		hash, err := s.requestHash(a.Key, a.Digest)
		if err != nil {
			return nil, fmt.Errorf("hash the request of event %s: %w", event, err)
		}
		sealed, err := s.seal(event, a.Body)
		if err != nil {
			return nil, fmt.Errorf("encrypt the answer for event %s: %w", event, err)
		}
		out[i] = &sealedAnswer{IdempotencyKey: a.Key, event: event, hash: hash, sealed: sealed}
	}
	slices.SortStableFunc(out, func(a, b *sealedAnswer) int { return compareKeys(a.IdempotencyKey, b.IdempotencyKey) })
	return out, nil
}

func answerColumns(all []*sealedAnswer) (p dbsqlc.InsertAnswersParams) {
	for _, a := range all {
		p.WorkspaceIds, p.Routes, p.Keys = append(p.WorkspaceIds, string(a.WorkspaceID)), append(p.Routes, a.Route), append(p.Keys, a.Key)
		p.RequestHashes, p.Tokens, p.Answers = append(p.RequestHashes, a.hash), append(p.Tokens, pgID(a.event)), append(p.Answers, a.sealed)
	}
	return p
}

func queueAnswers(b *pgx.Batch, all []*sealedAnswer) {
	if len(all) > 0 {
		p := answerColumns(all)
		b.Queue(dbsqlc.InsertAnswers, p.WorkspaceIds, p.Routes, p.Keys, p.RequestHashes, p.Tokens, p.Answers)
	}
}

// claimAnswers stores the answers whose key is free, and marks the others as taken.
func claimAnswers(ctx context.Context, q *dbsqlc.Queries, all []*sealedAnswer) error {
	all = slices.DeleteFunc(slices.Clone(all), func(a *sealedAnswer) bool { return a.taken })
	if len(all) == 0 {
		return nil
	}
	p := answerColumns(all)
	n, err := q.ClaimAnswers(ctx, dbsqlc.ClaimAnswersParams(p))
	if err != nil || int(n) == len(all) {
		return err
	}
	owners, err := q.KeyOwners(ctx, dbsqlc.KeyOwnersParams{WorkspaceIds: p.WorkspaceIds, Routes: p.Routes, Keys: p.Keys})
	if err != nil {
		return err
	}
	mine := make(map[webhook.ID]bool, len(owners)) // also of a first try whose answer got lost
	for _, o := range owners {
		mine[o.Token.Bytes] = true
	}
	for _, a := range all {
		a.taken = !mine[a.event]
	}
	return nil
}

// leaveOut adds the events whose key is taken to the duplicates.
func leaveOut(dups map[webhook.ID]webhook.Event, all []*sealedAnswer) map[webhook.ID]webhook.Event {
	for _, a := range all {
		if a.taken {
			if dups == nil {
				dups = make(map[webhook.ID]webhook.Event)
			}
			dups[a.event] = webhook.Event{}
		}
	}
	return dups
}
