package postgres

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/postrider/postrider/internal/postgres/internal/dbsqlc"
	"github.com/postrider/postrider/internal/webhook"
)

// Idempotency keeps what POSTs with an Idempotency-Key were answered, for a day.
type Idempotency struct {
	db     *DB
	claims *combiner[*newClaim]
	keeps  *combiner[*keptAnswer]
}

// NewIdempotency makes the store on db.
func NewIdempotency(db *DB) *Idempotency {
	s := &Idempotency{db: db}
	s.claims, s.keeps = newCombiner(s.insertClaims), newCombiner(s.keepAnswers)
	return s
}

// Claim begins the request under its key, or finds who has, and what came of it.
// digest is a hash of the request that tells it from others. A claim of the
// caller's lasts for d: after that somebody else may take it over.
func (s *Idempotency) Claim(ctx context.Context, k webhook.IdempotencyKey, digest []byte, now time.Time, d time.Duration) (webhook.Claim, error) {
	hash, err := s.db.seal.requestHash(k, digest)
	if err != nil {
		return webhook.Claim{}, fmt.Errorf("claim an idempotency key: %w", err)
	}
	n := &newClaim{IdempotencyKey: k, hash: hash, token: webhook.NewID(now), claim: webhook.NewID(now), lasts: d}
	if err := s.claims.do(ctx, n); err != nil {
		return webhook.Claim{}, fmt.Errorf("claim an idempotency key: %w", available(err))
	}
	if n.won {
		return webhook.Claim{ID: n.claim, Mine: true, Same: true, Token: n.token}, nil
	}
	c, err := s.Find(ctx, k, digest)
	if err != nil || !c.Due || c.ID.IsZero() {
		return c, err
	}
	return s.take(ctx, n, c)
}

// Find looks who has the key, and what came of it. Due says that it can be
// claimed: there is none, or it is a day old, or whoever had it died.
func (s *Idempotency) Find(ctx context.Context, k webhook.IdempotencyKey, digest []byte) (webhook.Claim, error) {
	r, err := s.db.q.KeyByName(ctx, dbsqlc.KeyByNameParams{WorkspaceID: string(k.WorkspaceID), Route: k.Route, Key: k.Key})
	if errors.Is(err, pgx.ErrNoRows) {
		return webhook.Claim{Due: true, Same: true}, nil
	}
	if err != nil {
		return webhook.Claim{}, fmt.Errorf("look an idempotency key up: %w", available(err))
	}
	c := webhook.Claim{ID: r.Claim.Bytes, Token: r.Token.Bytes, Same: true, Due: true}
	if r.Expired {
		return c, nil
	}
	if c.Same, err = s.db.seal.sameRequest(r.RequestHash, k, digest); err != nil {
		return c, sealedKey(err)
	}
	c.Due = c.Same && r.Died
	if c.Same && r.Answer != nil {
		if c.Answer, err = s.db.seal.open(c.Token, r.Answer); err != nil {
			return c, sealedKey(err)
		}
	}
	return c, nil
}

// sealedKey is for what was kept under a key that is no more in secrets.key, or
// not yet.
func sealedKey(err error) error {
	return fmt.Errorf("answer under an idempotency key: %w: %w", &webhook.Error{
		Code: webhook.CodeUnavailable, Detail: "this process has no key that reads what is kept under the Idempotency-Key", RetryAfter: time.Minute,
	}, err)
}

// take takes over what is due; the claim is another's where somebody was quicker.
func (s *Idempotency) take(ctx context.Context, n *newClaim, seen webhook.Claim) (webhook.Claim, error) {
	token, err := s.db.q.TakeKey(ctx, dbsqlc.TakeKeyParams{
		RequestHash: n.hash, Claim: pgID(n.claim), Seconds: n.lasts.Seconds(), Token: pgID(n.token),
		WorkspaceID: string(n.WorkspaceID), Route: n.Route, Key: n.Key, Seen: pgID(seen.ID),
	})
	if errors.Is(err, pgx.ErrNoRows) {
		return webhook.Claim{ID: seen.ID, Same: true}, nil
	}
	if err != nil {
		return webhook.Claim{}, fmt.Errorf("take an idempotency key over: %w", available(err))
	}
	return webhook.Claim{ID: n.claim, Mine: true, Same: true, Token: token.Bytes}, nil
}

// Together makes one transaction of what is changed under the context that it
// returns and of Keep: a change has its answer kept, or it did not take place. Keep
// or Release must follow.
func (s *Idempotency) Together(ctx context.Context) context.Context {
	return context.WithValue(ctx, unitKey{}, &unit{})
}

// Keep stores the claim's answer, encrypted, and commits what was changed together
// with it; undone says that this failed, and nothing was changed. Somebody who has
// taken the claim over undoes it, too: the effect is theirs. Where nothing was
// changed, Keep does nothing then.
func (s *Idempotency) Keep(ctx context.Context, k webhook.IdempotencyKey, c *webhook.Claim, answer []byte) (undone bool, err error) {
	u := unitOf(ctx)
	defer u.undo(ctx)
	undone = u != nil && u.tx != nil
	sealed, err := s.db.seal.seal(c.Token, answer)
	switch {
	case err != nil:
	case undone:
		err = s.keepIn(ctx, u, k, c, sealed)
	default:
		err = s.keeps.do(ctx, &keptAnswer{k, c.ID, sealed})
	}
	if err != nil {
		return undone, fmt.Errorf("keep the answer under an idempotency key: %w", available(err))
	}
	return false, nil
}

func (s *Idempotency) keepIn(ctx context.Context, u *unit, k webhook.IdempotencyKey, c *webhook.Claim, sealed []byte) error {
	n, err := s.db.q.WithTx(u.tx).KeepAnswer(ctx, dbsqlc.KeepAnswerParams{
		WorkspaceID: string(k.WorkspaceID), Route: k.Route, Key: k.Key, Claim: pgID(c.ID), Answer: sealed,
	})
	if err != nil {
		return err
	}
	if n == 0 {
		return webhook.Errorf(webhook.CodeIdempotencyInFlight, "this request took so long that another one with its key goes on instead; ask again in a moment")
	}
	return u.tx.Commit(ctx)
}

// Release gives the key up: the request had no lasting answer. What was changed
// together with it is undone.
func (s *Idempotency) Release(ctx context.Context, k webhook.IdempotencyKey, c *webhook.Claim) error {
	unitOf(ctx).undo(ctx)
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
