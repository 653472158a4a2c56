package postgres_test

import (
	"bytes"
	"context"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/postrider/postrider/internal/postgres"
	"github.com/postrider/postrider/internal/webhook"
)

// rotating is an endpoint whose secrets rotate for an hour.
func (s *stage) rotating() webhook.Endpoint {
	s.t.Helper()
	ctx, endpoints := context.Background(), postgres.NewEndpoints(s.db)
	e, err := endpoints.Create(ctx, whole())
	must(s.t, err)
	e, err = endpoints.Update(ctx, "w", e.ID, func(e *webhook.Endpoint) error {
		until := time.Now().Add(time.Hour).Truncate(time.Microsecond)
		e.NextSecret, e.NextSecretAt = "whsec_next", &until
		return nil
	})
	must(s.t, err)
	return e
}

func TestPromote(t *testing.T) {
	t.Parallel()
	ctx := context.Background()

	t.Run("MakesTheNextSecretTheOnlyOne", func(t *testing.T) {
		t.Parallel()
		s := setup(t)
		e := s.rotating()
		must(t, s.deliver(s.db).Promote(ctx, "w", e.ID, e.Version))
		got, err := postgres.NewEndpoints(s.db).Get(ctx, "w", e.ID)
		must(t, err)
		if got.Secret != "whsec_next" || got.NextSecret != "" || got.NextSecretAt != nil || got.Version <= e.Version {
			t.Errorf("got %+v", got)
		}
	})

	t.Run("LeavesAnEndpointThatChangedMeanwhile", func(t *testing.T) {
		t.Parallel()
		s := setup(t)
		e := s.rotating()
		again, err := postgres.NewEndpoints(s.db).Update(ctx, "w", e.ID, func(e *webhook.Endpoint) error {
			e.NextSecret = "whsec_third"
			return nil
		})
		must(t, err)
		must(t, s.deliver(s.db).Promote(ctx, "w", e.ID, e.Version))
		got, err := postgres.NewEndpoints(s.db).Get(ctx, "w", e.ID)
		must(t, err)
		if got.Secret != e.Secret || got.NextSecret != "whsec_third" || !got.NextSecretAt.Equal(*again.NextSecretAt) {
			t.Errorf("got %+v", got)
		}
	})

	t.Run("LeavesOneThatDoesNotRotate", func(t *testing.T) {
		t.Parallel()
		s := setup(t)
		e, err := postgres.NewEndpoints(s.db).Create(ctx, whole())
		must(t, err)
		must(t, s.deliver(s.db).Promote(ctx, "w", e.ID, e.Version))
		if got, err := postgres.NewEndpoints(s.db).Get(ctx, "w", e.ID); err != nil || got.Secret != e.Secret {
			t.Errorf("got %+v, %v", got, err)
		}
	})
}

func TestNextSecret(t *testing.T) {
	t.Parallel()
	ctx := context.Background()

	t.Run("ReachesTheWorkerAndIsEncrypted", func(t *testing.T) {
		t.Parallel()
		s := setup(t)
		e := s.rotating()
		all, _, err := s.deliver(s.db).Endpoints(ctx, []webhook.ID{e.ID})
		must(t, err)
		if len(all) != 1 || all[0].Secret != e.Secret || all[0].NextSecret != "whsec_next" || !all[0].NextSecretAt.Equal(*e.NextSecretAt) {
			t.Errorf("got %+v", all)
		}
		s.holds("SELECT position('whsec'::bytea IN next_secret) = 0 FROM endpoints WHERE id = $1", pg(e.ID))
	})

	t.Run("GetsTheNewKeyAsWell", func(t *testing.T) {
		t.Parallel()
		s := setup(t)
		e := s.rotating()
		newKey := bytes.Repeat([]byte{8}, 32)
		_, err := s.open(newKey, oneKey).RotateSecrets(ctx)
		must(t, err)
		got, err := postgres.NewEndpoints(s.open(newKey)).Get(ctx, "w", e.ID)
		must(t, err)
		if got.NextSecret != "whsec_next" {
			t.Errorf("got %+v", got)
		}
	})

	t.Run("IsWipedWithTheEndpoint", func(t *testing.T) {
		t.Parallel()
		s := setup(t)
		e := s.rotating()
		must(t, postgres.NewEndpoints(s.db).Delete(ctx, "w", e.ID))
		s.holds("SELECT next_secret IS NULL AND next_secret_at IS NULL FROM endpoints WHERE id = $1", pg(e.ID))
	})
}

func TestRecordOfARotation(t *testing.T) {
	t.Parallel()
	s := setup(t)
	both, plain := s.pending(0, "c_task"), s.pending(0, "c_task")
	refused := func(o *webhook.Outcome) {
		first := o.Attempt
		first.ID, first.StatusCode, first.Error, first.ErrorClass, first.SignedWith =
			webhook.NewID(time.Now().Add(-time.Minute)), 401, "no", webhook.ClassStatus, webhook.SignedOld
		o.Refused, o.Attempt.SignedWith = &first, webhook.SignedNew
	}
	for _, code := range []int{500, 200} { // a failure, then a success
		withBoth, without := outcome(both, "c_task", 0, code), outcome(plain, "c_task", 0, code)
		refused(&withBoth)
		s.records(s.db, []webhook.Outcome{withBoth, without}, true, true)
	}
	s.wants(both, "attempts = 2 AND status = 'success'")
	all, _, err := postgres.NewDeliveries(s.db).Attempts(context.Background(), "w", both.DeliveryID, 0, webhook.Page{Limit: 10})
	must(t, err)
	var got []string
	for _, a := range all {
		got = append(got, fmt.Sprint(a.Number, a.StatusCode, " ", a.SignedWith))
	}
	slices.Sort(got)
	if want := []string{"1 401 old", "1 500 new", "2 200 new", "2 401 old"}; !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
	s.holds("SELECT count(*) = 2 AND bool_and(signed_with IS NULL) FROM attempts WHERE delivery_id = $1", pg(plain.DeliveryID))
}
