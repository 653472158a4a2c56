package postgres_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/postrider/postrider/internal/postgres"
	"github.com/postrider/postrider/internal/webhook"
)

func TestFindEndpoints(t *testing.T) {
	t.Parallel()
	s := setup(t)
	store := postgres.NewEndpoints(s.db)
	names := map[webhook.ID]string{}
	byName := func(ids []webhook.ID) (out []string) {
		for _, id := range ids {
			out = append(out, names[id])
		}
		return out
	}
	at := time.Now().Add(time.Minute) // of the next one
	add := func(name, url, description string, active bool) webhook.ID {
		e, err := store.Create(t.Context(), webhook.Endpoint{
			ID: webhook.NewID(at), WorkspaceID: "w", URL: url, Description: description, Events: []string{"never"}, IsActive: active, Secret: "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
		})
		must(t, err)
		names[e.ID], at = name, at.Add(time.Second)
		return e.ID
	}
	failing := func(id webhook.ID, open bool) {
		s.exec("INSERT INTO endpoint_health (endpoint_id, workspace_id, failures, failing_since, open_until) VALUES ($1, 'w', 3, now(), CASE WHEN $2 THEN now() END)", pg(id), open)
	}
	names[s.end] = "stage"
	add("well", "https://a.example/Search-Index", "", true)
	failing(add("failing", "https://b.example/", "the Search index", true), false)
	failing(add("open", "https://c.example/", "", true), true)
	failing(add("off and failing", "https://d.example/", "", false), false)
	gone := add("gone", "https://e.example/", "", true)
	must(t, store.Delete(t.Context(), "w", gone))
	failing(gone, false)
	find := func(f webhook.EndpointFilter, p webhook.Page) []string {
		ids, _, err := store.Find(t.Context(), "w", f, p)
		must(t, err)
		return byName(ids)
	}
	page := webhook.Page{Limit: 50}
	for want, f := range map[string]webhook.EndpointFilter{
		"[off and failing]": {Health: webhook.HealthDisabled}, "[failing]": {Health: webhook.HealthFailing}, "[open]": {Health: webhook.HealthOpen},
		"[well stage]": {Health: webhook.HealthHealthy}, "[failing well]": {Search: "SEARCH"}, "[well]": {Search: "search", Health: webhook.HealthHealthy},
		"[]": {Search: "a%e"}, "[off and failing open failing well]": {Search: ".example/"},
	} {
		if got := fmt.Sprint(find(f, page)); got != want {
			t.Errorf("%+v: got %s, want %s", f, got, want)
		}
	}
	t.Run("OfAnotherWorkspaceNone", func(t *testing.T) {
		s.endpoint("w")
		if ids, _, err := store.Find(t.Context(), "other", webhook.EndpointFilter{Search: "e"}, page); err != nil || len(ids) > 0 {
			t.Errorf("got %v, %v", ids, err)
		}
		all, err := store.Some(t.Context(), "other", []webhook.ID{s.end})
		if err != nil || len(all) > 0 {
			t.Errorf("got %v, %v", all, err)
		}
	})
	t.Run("PagesHaveEachOnce", func(t *testing.T) {
		s.exec(`INSERT INTO endpoints (id, workspace_id, url, events, is_active, disabled_at, secret, version)
			SELECT (lpad(to_hex(i + 1000), 12, '0') || '00000000000000000000')::uuid, 'w', 'https://many.example/' || i, '{never}', i % 700 <> 0, CASE WHEN i % 700 = 0 THEN now() END, '\x00', 1
			FROM generate_series(1, 2500) i`)
		f := webhook.EndpointFilter{Search: "many.example", Health: webhook.HealthDisabled}
		var all []webhook.ID
		pages := 0
		for p := (webhook.Page{Limit: 2}); ; pages++ {
			ids, next, err := store.Find(t.Context(), "w", f, p)
			must(t, err)
			all = append(all, ids...)
			if next.IsZero() {
				break
			}
			if p.Before = next; pages > 20 {
				t.Fatal("it does not end")
			}
		}
		if len(all) != 3 || len(slices.Compact(slices.Clone(all))) != 3 || pages < 2 {
			t.Errorf("%d in %d pages", len(all), pages)
		}
	})
}
