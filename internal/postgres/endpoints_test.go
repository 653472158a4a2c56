package postgres_test

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"testing"
	"time"

	"github.com/postrider/postrider/internal/postgres"
	"github.com/postrider/postrider/internal/webhook"
)

func ptr[T any](v T) *T { return &v }

// whole is an endpoint with every field set.
func whole() webhook.Endpoint {
	return webhook.Endpoint{
		ID: webhook.NewID(time.Now()), WorkspaceID: "w", URL: "https://example.com/?a=b", Events: []string{"post.*", "user.created"},
		Filters: json.RawMessage(`{"b": 1.0,  "a":[1]}`), Description: "D", IsActive: true, Secret: "whsec_plain-secret",
		Headers: map[string]string{"X-Token": "plain-token"}, Timeout: ptr(7 * time.Second),
		RetrySchedule: []time.Duration{time.Second, time.Hour}, RateLimit: ptr(5), MaxInFlight: ptr(6), Format: webhook.FormatCloudEvents, Metadata: json.RawMessage(`{"z":1, "a":2}`),
	}
}

func (s *stage) version() int64 {
	s.t.Helper()
	return query[int64](s, "SELECT endpoints_version FROM workspaces WHERE id = 'w'")
}

func TestEndpoints(t *testing.T) {
	t.Parallel()
	ctx := context.Background()

	t.Run("ComeBackAsTheyWereStored", func(t *testing.T) {
		t.Parallel()
		s := setup(t)
		store := postgres.NewEndpoints(s.db)
		bare := webhook.Endpoint{ID: webhook.NewID(time.Now()), WorkspaceID: "w", URL: "u", Events: []string{"*"}, IsActive: true, Secret: "s"}
		never := whole()
		never.RetrySchedule = []time.Duration{} // no retry, which is not the default
		for _, e := range []webhook.Endpoint{whole(), bare, never} {
			created, err := store.Create(ctx, e)
			must(t, err)
			got, err := store.Get(ctx, "w", e.ID)
			must(t, err)
			if !reflect.DeepEqual(got, created) {
				t.Errorf("created %+v\nread %+v", created, got)
			}
			got.Version, got.CreatedAt, got.UpdatedAt = 0, time.Time{}, time.Time{}
			e.Format = cmp.Or(e.Format, webhook.FormatStandard)
			if !reflect.DeepEqual(got, e) {
				t.Errorf("stored %+v\nread %+v", e, got)
			}
		}
		if _, err := store.Get(ctx, "other", bare.ID); webhook.CodeOf(err) != webhook.CodeNotFound {
			t.Errorf("another workspace gets %v", err)
		}
		gone := whole()
		gone.WorkspaceID = "nobodys"
		_, err := store.Create(ctx, gone)
		wantCode(t, err, webhook.CodeNotFound)
	})

	t.Run("ChangeWithTheirWorkspacesVersionOrNotAtAll", func(t *testing.T) {
		t.Parallel()
		s := setup(t)
		store := postgres.NewEndpoints(s.db)
		was := s.version()
		e, err := store.Create(ctx, whole())
		must(t, err)
		updated, err := store.Update(ctx, "w", e.ID, func(e *webhook.Endpoint) error {
			e.URL, e.Filters, e.Headers, e.RateLimit, e.Secret = "new", nil, nil, nil, "whsec_new"
			return nil
		})
		must(t, err)
		if e.Version != was+1 || updated.Version != was+2 || s.version() != was+2 {
			t.Errorf("versions %d, %d and %d after %d", e.Version, updated.Version, s.version(), was)
		}
		s.holds("SELECT count(DISTINCT xmin::text) = 1 FROM (SELECT xmin FROM workspaces WHERE id = 'w' UNION ALL SELECT xmin FROM endpoints WHERE id = $1) x", pg(e.ID))
		got, err := store.Get(ctx, "w", e.ID)
		must(t, err)
		if got.URL != "new" || got.Filters != nil || got.Headers != nil || got.RateLimit != nil || got.Secret != "whsec_new" || *got.MaxInFlight != 6 {
			t.Errorf("got %+v", got)
		}
		refused := errors.New("refused")
		_, err = store.Update(ctx, "w", e.ID, func(e *webhook.Endpoint) error { e.URL = "x"; return refused })
		if !errors.Is(err, refused) || s.version() != was+2 {
			t.Errorf("a refused change: %v, version %d", err, s.version())
		}
		_, err = store.Update(ctx, "other", e.ID, func(*webhook.Endpoint) error { return nil })
		wantCode(t, err, webhook.CodeNotFound)
		s.holds("SELECT url = 'new' FROM endpoints WHERE id = $1", pg(e.ID))
		must(t, store.Delete(ctx, "w", e.ID))
		if s.version() != was+3 {
			t.Errorf("version %d after a deletion", s.version())
		}
	})

	t.Run("ChangeOneAfterTheOther", func(t *testing.T) {
		t.Parallel()
		s := setup(t)
		store := postgres.NewEndpoints(s.db)
		was := s.version()
		var all []chan error
		for i := range 8 {
			done := make(chan error, 1)
			all = append(all, done)
			go func() {
				_, err := store.Update(ctx, "w", s.end, func(e *webhook.Endpoint) error {
					e.Description += fmt.Sprint(i) // merged into what the one before left
					return nil
				})
				done <- err
			}()
		}
		for _, done := range all {
			must(t, <-done)
		}
		e, err := store.Get(ctx, "w", s.end)
		must(t, err)
		if len(e.Description) != 8 || e.Version != was+8 || s.version() != was+8 {
			t.Errorf("%q at version %d, the workspace at %d", e.Description, e.Version, s.version())
		}
	})

	t.Run("KeepSinceWhenAndWhyTheyAreInactive", func(t *testing.T) {
		t.Parallel()
		s := setup(t)
		store := postgres.NewEndpoints(s.db)
		active := func(yes bool) webhook.Endpoint {
			t.Helper()
			e, err := store.Update(ctx, "w", s.end, func(e *webhook.Endpoint) error { e.IsActive = yes; return nil })
			must(t, err)
			return e
		}
		if e := active(false); e.DisabledAt == nil || e.DisabledReason != webhook.DisabledByUser {
			t.Errorf("disabled: %+v", e)
		}
		s.exec("UPDATE endpoints SET disabled_at = '2020-01-01', disabled_reason = 'gone'")
		if e := active(false); e.DisabledAt.Year() != 2020 || e.DisabledReason != "gone" {
			t.Errorf("disabled again: %+v", e)
		}
		if e := active(true); e.DisabledAt != nil || e.DisabledReason != "" {
			t.Errorf("enabled: %+v", e)
		}
	})

	t.Run("LetGoAndForgetFailuresWhenEnabled", func(t *testing.T) {
		t.Parallel()
		s := setup(t)
		store := postgres.NewEndpoints(s.db)
		set := func(edit func(*webhook.Endpoint)) {
			t.Helper()
			_, err := store.Update(ctx, "w", s.end, func(e *webhook.Endpoint) error { edit(e); return nil })
			must(t, err)
		}
		const held = "SELECT next_check_at > now() AND release_count = 64 FROM parked_endpoints"
		s.exec(`INSERT INTO parked_endpoints (endpoint_id, workspace_id, reason, next_check_at, release_count)
			VALUES ($1, 'w', 'endpoint_disabled', now() + interval '1 hour', 64)`, pg(s.end))
		s.exec("INSERT INTO endpoint_health (endpoint_id, workspace_id, failures, failing_since) VALUES ($1, 'w', 19, now() - interval '4 days')", pg(s.end))
		set(func(e *webhook.Endpoint) { e.URL = "new" })
		set(func(e *webhook.Endpoint) { e.IsActive = false })
		set(func(e *webhook.Endpoint) { e.URL = "newer" })
		s.holds(held)
		s.holds("SELECT failures = 19 FROM endpoint_health")
		set(func(e *webhook.Endpoint) { e.IsActive = true })
		s.holds("SELECT next_check_at <= now() AND release_count = 1 FROM parked_endpoints")
		// Else the first failure after days of being disabled would disable it again.
		s.holds("SELECT count(*) = 0 FROM endpoint_health")
	})

	t.Run("LeaveNoSecretBehind", func(t *testing.T) {
		t.Parallel()
		s := setup(t)
		store := postgres.NewEndpoints(s.db)
		e, err := store.Create(ctx, whole())
		must(t, err)
		s.exec("INSERT INTO endpoint_health (endpoint_id, workspace_id, failures, failing_since) VALUES ($1, 'w', 1, now())", pg(e.ID))
		must(t, store.Delete(ctx, "w", e.ID))
		s.holds("SELECT secret IS NULL AND headers IS NULL AND deleted_at IS NOT NULL FROM endpoints WHERE id = $1", pg(e.ID))
		s.holds("SELECT secret IS NOT NULL FROM endpoints WHERE id = $1", pg(s.end))
		s.holds("SELECT count(*) = 0 FROM endpoint_health")
		wantCode(t, store.Delete(ctx, "w", e.ID), webhook.CodeNotFound)
		_, err = store.Get(ctx, "w", e.ID)
		wantCode(t, err, webhook.CodeNotFound)
		_, err = store.Update(ctx, "w", e.ID, func(*webhook.Endpoint) error { return nil })
		wantCode(t, err, webhook.CodeNotFound)
		targets, sealed, err := s.deliver(s.db).Endpoints(ctx, []webhook.ID{e.ID})
		if err != nil || len(targets) != 0 || len(sealed) != 0 {
			t.Errorf("a worker gets %v, %v, %v", targets, sealed, err)
		}
	})
}

func TestSecretsAtRest(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	s := setup(t)
	e, err := postgres.NewEndpoints(s.db).Create(ctx, whole())
	must(t, err)
	newKey := bytes.Repeat([]byte{8}, 32)

	t.Run("AreNotInTheRow", func(t *testing.T) {
		row := query[string](s, "SELECT e::text || encode(secret, 'escape') || encode(headers, 'escape') FROM endpoints e WHERE id = $1", pg(e.ID))
		for _, plain := range []string{"plain-secret", "plain-token", "X-Token"} {
			if bytes.Contains([]byte(row), []byte(plain)) {
				t.Errorf("%s is in %s", plain, row)
			}
		}
	})
	t.Run("AreOpenedByAnOlderKeyAndSealedByTheNewest", func(t *testing.T) {
		both := s.open(newKey, oneKey)
		got, err := postgres.NewEndpoints(both).Get(ctx, "w", e.ID)
		must(t, err)
		if got.Secret != "whsec_plain-secret" || got.Headers["X-Token"] != "plain-token" {
			t.Errorf("got %+v", got)
		}
		_, err = postgres.NewEndpoints(both).Update(ctx, "w", e.ID, func(*webhook.Endpoint) error { return nil })
		must(t, err)
		_, err = postgres.NewEndpoints(s.open(newKey)).Get(ctx, "w", e.ID)
		must(t, err) // the old key is no longer needed
		_, err = postgres.NewEndpoints(s.open(oneKey)).Get(ctx, "w", e.ID)
		wantCode(t, err, webhook.CodeUnavailable)
	})
	t.Run("WithoutTheirKeyPostponeAndFailNobodyElse", func(t *testing.T) {
		_, err := postgres.NewEndpoints(s.open(newKey, oneKey)).Update(ctx, "w", e.ID, func(*webhook.Endpoint) error { return nil })
		must(t, err)
		targets, sealed, err := s.deliver(s.open(newKey)).Endpoints(ctx, []webhook.ID{e.ID, s.end})
		must(t, err)
		if len(targets) != 1 || targets[0].ID != e.ID || targets[0].Secret != "whsec_plain-secret" || !errors.Is(sealed[s.end], postgres.ErrSealed) {
			t.Errorf("got %+v and %v", targets, sealed)
		}
		_, err = postgres.NewEndpoints(s.open()).Create(ctx, whole())
		if err == nil {
			t.Error("a secret was stored without a key")
		}
	})
	t.Run("AreBoundToTheirEndpoint", func(t *testing.T) {
		other, err := postgres.NewEndpoints(s.db).Create(ctx, whole())
		must(t, err)
		s.exec("UPDATE endpoints o SET secret = e.secret FROM endpoints e WHERE o.id = $1 AND e.id = $2", pg(other.ID), pg(s.end))
		_, sealed, err := s.deliver(s.db).Endpoints(ctx, []webhook.ID{other.ID})
		must(t, err)
		if !errors.Is(sealed[other.ID], postgres.ErrSealed) {
			t.Errorf("another endpoint's secret opens: %v", sealed)
		}
	})
	t.Run("AreNotTwiceTheSame", func(t *testing.T) {
		was := query[[]byte](s, "SELECT secret FROM endpoints WHERE id = $1", pg(e.ID))
		_, err := postgres.NewEndpoints(s.db).Update(ctx, "w", e.ID, func(e *webhook.Endpoint) error { e.Secret = "whsec_plain-secret"; return nil })
		if err == nil {
			t.Error("a secret that this process can't open was read")
		}
		_, err = postgres.NewEndpoints(s.open(newKey)).Update(ctx, "w", e.ID, func(*webhook.Endpoint) error { return nil })
		must(t, err)
		s.holds("SELECT secret <> $2 FROM endpoints WHERE id = $1", pg(e.ID), was)
	})
	t.Run("TakeKeysOf32Bytes", func(t *testing.T) {
		if _, err := postgres.Open(ctx, postgres.Config{URL: s.url, Keys: [][]byte{oneKey[:31]}}); err == nil {
			t.Error("31 bytes were taken")
		}
	})
}
