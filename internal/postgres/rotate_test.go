package postgres_test

import (
	"bytes"
	"context"
	"errors"
	"testing"

	"github.com/postrider/postrider/internal/postgres"
	"github.com/postrider/postrider/internal/webhook"
)

func TestRotateSecrets(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	newKey := bytes.Repeat([]byte{8}, 32)

	t.Run("TheOldKeyIsNotNeededAnyMore", func(t *testing.T) {
		t.Parallel()
		s := setup(t)
		e, err := postgres.NewEndpoints(s.db).Create(ctx, whole())
		must(t, err)
		version := s.version()
		done, err := s.open(newKey, oneKey).RotateSecrets(ctx)
		must(t, err)
		if done.Rotated != 2 || len(done.Unreadable) != 0 {
			t.Errorf("got %+v, want both endpoints", done)
		}
		got, err := postgres.NewEndpoints(s.open(newKey)).Get(ctx, "w", e.ID)
		must(t, err)
		if got.Secret != e.Secret || got.Headers["X-Token"] != "plain-token" || !got.UpdatedAt.Equal(e.UpdatedAt) {
			t.Errorf("before %+v\nafter %+v", e, got)
		}
		if _, err := postgres.NewEndpoints(s.db).Get(ctx, "w", e.ID); !errors.Is(err, postgres.ErrSealed) {
			t.Errorf("the old key alone still opens it: %v", err)
		}
		if s.version() != version {
			t.Error("every worker has to load what did not change")
		}
		if done, err = s.open(newKey, oneKey).RotateSecrets(ctx); err != nil || done.Rotated != 0 {
			t.Errorf("a second time: %+v, %v", done, err)
		}
	})

	t.Run("WhatNoKeyOpensIsNamedAndLeft", func(t *testing.T) {
		t.Parallel()
		s := setup(t)
		strange := bytes.Repeat([]byte{9}, 32)
		lost, err := postgres.NewEndpoints(s.open(strange)).Create(ctx, whole())
		must(t, err)
		done, err := s.open(newKey, oneKey).RotateSecrets(ctx)
		must(t, err)
		if done.Rotated != 1 || len(done.Unreadable) != 1 || done.Unreadable[0] != lost.ID {
			t.Errorf("got %+v, want %s unreadable and the other rotated", done, lost.ID)
		}
		if got, err := postgres.NewEndpoints(s.open(strange)).Get(ctx, "w", lost.ID); err != nil || got.Secret != lost.Secret {
			t.Errorf("its own key: %v", err)
		}
	})

	t.Run("DeletedEndpointsHaveNothingToRotate", func(t *testing.T) {
		t.Parallel()
		s := setup(t)
		must(t, postgres.NewEndpoints(s.db).Delete(ctx, "w", s.end))
		if done, err := s.open(newKey, oneKey).RotateSecrets(ctx); err != nil || done.Rotated != 0 || len(done.Unreadable) != 0 {
			t.Errorf("got %+v, %v", done, err)
		}
	})

	t.Run("APatchMeanwhileHasTheLastWord", func(t *testing.T) {
		t.Parallel()
		s := setup(t)
		// Sealed with the old key by a process that knows no other, and not yet committed.
		const secret = "whsec_of-the-patch"
		sealed := s.sealedAs(secret)
		tx, err := s.raw.Begin(ctx)
		must(t, err)
		_, err = tx.Exec(ctx, "UPDATE endpoints SET secret = $2 WHERE id = $1", pg(s.end), sealed)
		must(t, err)
		rotated := make(chan error, 1)
		go func() {
			_, err := s.open(newKey, oneKey).RotateSecrets(ctx)
			rotated <- err
		}()
		s.eventually(blocked)
		must(t, tx.Commit(ctx))
		must(t, <-rotated)
		got, err := postgres.NewEndpoints(s.open(newKey)).Get(ctx, "w", s.end)
		must(t, err)
		if got.Secret != secret {
			t.Errorf("the secret is %q, the patch's was %q", got.Secret, secret)
		}
	})
}

// sealedAs is the endpoint's secret column as s.db's PATCH would leave it; the
// row stays as it is.
func (s *stage) sealedAs(secret string) []byte {
	s.t.Helper()
	const column = "SELECT secret FROM endpoints WHERE id = $1"
	before := query[[]byte](s, column, pg(s.end))
	_, err := postgres.NewEndpoints(s.db).Update(context.Background(), "w", s.end, func(e *webhook.Endpoint) error {
		e.Secret = secret
		return nil
	})
	must(s.t, err)
	sealed := query[[]byte](s, column, pg(s.end))
	s.exec("UPDATE endpoints SET secret = $2 WHERE id = $1", pg(s.end), before)
	return sealed
}
