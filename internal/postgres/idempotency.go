package postgres

import (
	"context"
	"fmt"
	"time"

	"github.com/postrider/postrider/internal/postgres/internal/dbsqlc"
	"github.com/postrider/postrider/internal/webhook"
)

// Idempotency keeps what POSTs with an Idempotency-Key were answered, for a day.
type Idempotency struct{ db *DB }

// NewIdempotency makes the store on db.
func NewIdempotency(db *DB) *Idempotency { return &Idempotency{db} }

// Claim begins the request under its key, or finds who has, and what came of it.
// A claim of the caller's lasts for d: after that somebody else may take it over.
func (s *Idempotency) Claim(ctx context.Context, k webhook.IdempotencyKey, hash []byte, now time.Time, d time.Duration) (webhook.Claim, error) {
	mine := webhook.NewID(now)
	r, err := s.db.q.ClaimKey(ctx, dbsqlc.ClaimKeyParams{
		WorkspaceID: string(k.WorkspaceID), Route: k.Route, Key: k.Key, RequestHash: hash,
		Token: pgID(webhook.NewID(now)), Claim: pgID(mine), Seconds: d.Seconds(),
	})
	if err != nil {
		return webhook.Claim{}, fmt.Errorf("claim an idempotency key: %w", available(err))
	}
	c := webhook.Claim{ID: r.Claim.Bytes, Mine: r.Claim.Bytes == mine, RequestHash: r.RequestHash, Token: r.Token.Bytes}
	if r.Answer != nil {
		if c.Answer, err = s.db.seal.open(c.Token, r.Answer); err != nil {
			return c, fmt.Errorf("answer under an idempotency key: %w", err)
		}
	}
	return c, nil
}

// Keep stores the claim's answer, encrypted. It does nothing when the claim was
// taken over meanwhile.
func (s *Idempotency) Keep(ctx context.Context, k webhook.IdempotencyKey, c *webhook.Claim, answer []byte) error {
	sealed, err := s.db.seal.seal(c.Token, answer)
	if err != nil {
		return err
	}
	_, err = s.db.q.KeepAnswer(ctx, dbsqlc.KeepAnswerParams{
		WorkspaceID: string(k.WorkspaceID), Route: k.Route, Key: k.Key, Claim: pgID(c.ID), Answer: sealed,
	})
	if err != nil {
		return fmt.Errorf("keep the answer under an idempotency key: %w", available(err))
	}
	return nil
}

// Release gives the key up: the request had no lasting answer.
func (s *Idempotency) Release(ctx context.Context, k webhook.IdempotencyKey, c *webhook.Claim) error {
	err := s.db.q.ReleaseKey(ctx, dbsqlc.ReleaseKeyParams{
		WorkspaceID: string(k.WorkspaceID), Route: k.Route, Key: k.Key, Claim: pgID(c.ID),
	})
	if err != nil {
		return fmt.Errorf("release an idempotency key: %w", available(err))
	}
	return nil
}

// removeKeys is how many are removed in one statement.
const removeKeys = 5000

// RemoveOld removes what is a day old.
func (s *Idempotency) RemoveOld(ctx context.Context) error {
	for {
		n, err := s.db.q.RemoveOldKeys(ctx, removeKeys)
		if err != nil {
			return fmt.Errorf("remove old idempotency keys: %w", available(err))
		}
		if n < removeKeys {
			return nil
		}
	}
}
