package postgres

import (
	"cmp"
	"context"
	"slices"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgtype"

	"github.com/postrider/postrider/internal/postgres/internal/dbsqlc"
	"github.com/postrider/postrider/internal/webhook"
)

// newClaim is one that is made unless the key is taken; won says that it was.
type newClaim struct {
	webhook.IdempotencyKey
	hash         []byte
	token, claim webhook.ID
	lasts        time.Duration
	won          bool
}

// keptAnswer is one that changes nothing but what is kept.
type keptAnswer struct {
	webhook.IdempotencyKey
	claim  webhook.ID
	sealed []byte
}

func compareKeys(a, b webhook.IdempotencyKey) int {
	return cmp.Or(strings.Compare(string(a.WorkspaceID), string(b.WorkspaceID)), strings.Compare(a.Route, b.Route), strings.Compare(a.Key, b.Key))
}

// insertClaims makes the claims whose key is free. Nobody waits until they are on
// disk: what they are for commits later, and is not there without them.
func (s *Idempotency) insertClaims(ctx context.Context, all []*newClaim) error {
	slices.SortStableFunc(all, func(a, b *newClaim) int { return compareKeys(a.IdempotencyKey, b.IdempotencyKey) })
	var p dbsqlc.InsertKeysParams
	byID := make(map[webhook.ID]*newClaim, len(all))
	for _, n := range all {
		byID[n.claim] = n
		p.WorkspaceIds, p.Routes, p.Keys = append(p.WorkspaceIds, string(n.WorkspaceID)), append(p.Routes, n.Route), append(p.Keys, n.Key)
		p.RequestHashes, p.Tokens = append(p.RequestHashes, n.hash), append(p.Tokens, pgID(n.token))
		p.Claims, p.Seconds = append(p.Claims, pgID(n.claim)), append(p.Seconds, n.lasts.Seconds())
	}
	won, err := s.lazily(ctx, dbsqlc.InsertKeys, p.WorkspaceIds, p.Routes, p.Keys, p.RequestHashes, p.Tokens, p.Claims, p.Seconds)
	if err != nil {
		return err
	}
	for _, id := range won {
		byID[id.Bytes].won = true
	}
	return nil
}

// keepAnswers keeps those whose claim nobody has taken over. Losing them with a
// server that goes down does no harm: the effect is found by its token.
func (s *Idempotency) keepAnswers(ctx context.Context, all []*keptAnswer) error {
	slices.SortFunc(all, func(a, b *keptAnswer) int { return compareKeys(a.IdempotencyKey, b.IdempotencyKey) })
	var p dbsqlc.KeepAnswersParams
	for _, a := range all {
		p.WorkspaceIds, p.Routes, p.Keys = append(p.WorkspaceIds, string(a.WorkspaceID)), append(p.Routes, a.Route), append(p.Keys, a.Key)
		p.Claims, p.Answers = append(p.Claims, pgID(a.claim)), append(p.Answers, a.sealed)
	}
	_, err := s.lazily(ctx, dbsqlc.KeepAnswers, p.WorkspaceIds, p.Routes, p.Keys, p.Claims, p.Answers)
	return err
}

// lazily runs one statement in one round trip without waiting for the disk, and
// returns the ids that it does.
func (s *Idempotency) lazily(ctx context.Context, sql string, args ...any) (ids []pgtype.UUID, err error) {
	err = retryConflict(func() error {
		b := &pgx.Batch{}
		b.Queue(dbsqlc.CommitLazily)
		b.Queue(sql, args...).Query(func(rows pgx.Rows) error {
			ids, err = pgx.CollectRows(rows, pgx.RowTo[pgtype.UUID])
			return err
		})
		return s.db.pool.SendBatch(ctx, b).Close()
	})
	return ids, err
}
