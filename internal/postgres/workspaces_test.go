package postgres_test

import (
	"context"
	"slices"
	"testing"
	"time"

	"github.com/postrider/postrider/internal/postgres"
	"github.com/postrider/postrider/internal/webhook"
)

func TestKeys(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	s := setup(t)
	s.exec("INSERT INTO workspaces (id, name) VALUES ('other', 'O')")
	keys := postgres.NewKeys(s.db)
	plain := webhook.NewAPIKey()
	k := webhook.Key{ID: webhook.NewID(time.Now()), WorkspaceID: "w", Name: "N", Hint: plain[:7], Scopes: []webhook.Scope{webhook.ScopeEventsRead}}
	must(t, keys.Create(ctx, k, webhook.HashAPIKey(plain)))

	// Stored as its hash only.
	s.holds("SELECT hash = sha256($1::bytea) AND position($2 IN k::text) = 0 FROM keys k", []byte(plain), plain[8:])
	got, err := keys.ByHash(ctx, webhook.HashAPIKey(plain))
	must(t, err)
	if got.ID != k.ID || got.WorkspaceID != "w" || len(got.Scopes) != 1 || !got.Allows(webhook.ScopeEventsRead) || got.Hint != k.Hint {
		t.Errorf("got %+v", got)
	}
	_, err = keys.ByHash(ctx, webhook.HashAPIKey(plain+"x"))
	wantCode(t, err, webhook.CodeNotFound)
	if err := keys.Create(ctx, webhook.Key{ID: webhook.NewID(time.Now()), WorkspaceID: "other"}, webhook.HashAPIKey(plain)); err == nil {
		t.Error("one key belongs to two workspaces")
	}
	nobodys := webhook.Key{ID: webhook.NewID(time.Now()), WorkspaceID: "nobodys"}
	wantCode(t, keys.Create(ctx, nobodys, []byte("h")), webhook.CodeNotFound)

	wantCode(t, keys.Revoke(ctx, "other", k.ID), webhook.CodeNotFound)
	if _, err := keys.ByHash(ctx, webhook.HashAPIKey(plain)); err != nil {
		t.Errorf("revoked by another workspace: %v", err)
	}
	must(t, keys.Revoke(ctx, "w", k.ID))
	wantCode(t, keys.Revoke(ctx, "w", k.ID), webhook.CodeNotFound)
	_, err = keys.ByHash(ctx, webhook.HashAPIKey(plain))
	wantCode(t, err, webhook.CodeNotFound)
	all, _, err := keys.List(ctx, "w", webhook.Page{Limit: 10})
	if err != nil || len(all) != 0 {
		t.Errorf("listed %v, %v", all, err)
	}
}

func TestWorkspaces(t *testing.T) {
	t.Parallel()
	ctx := context.Background()

	t.Run("TakeTheirKeysAndEndpointsWithThem", func(t *testing.T) {
		t.Parallel()
		s := setup(t)
		store, keys := postgres.NewWorkspaces(s.db), postgres.NewKeys(s.db)
		_, err := store.Create(ctx, webhook.Workspace{ID: "other", Name: "O"})
		must(t, err)
		bystander := s.endpoint("other")
		for _, ws := range []webhook.WorkspaceID{"w", "other"} {
			must(t, keys.Create(ctx, webhook.Key{ID: webhook.NewID(time.Now()), WorkspaceID: ws}, []byte(ws)))
		}
		s.exec(`INSERT INTO parked_endpoints (endpoint_id, workspace_id, reason, next_check_at) VALUES ($1, 'w', 'x', now() + interval '1 hour')`, pg(s.end))
		was := s.version()

		must(t, store.Delete(ctx, "w"))
		_, err = keys.ByHash(ctx, []byte("w"))
		wantCode(t, err, webhook.CodeNotFound)
		s.holds("SELECT bool_and((revoked_at IS NOT NULL) = (workspace_id = 'w')) FROM keys")
		s.holds("SELECT deleted_at IS NOT NULL AND secret IS NULL AND headers IS NULL AND version = $2 FROM endpoints WHERE id = $1", pg(s.end), was+1)
		s.holds("SELECT next_check_at <= now() FROM parked_endpoints") // its deliveries are canceled soon
		for name, err := range map[string]error{
			"read":    second(store.Get(ctx, "w")),
			"renamed": second(store.Update(ctx, "w", rename("X"))),
			"deleted": store.Delete(ctx, "w"),
			"a key":   keys.Create(ctx, webhook.Key{ID: webhook.NewID(time.Now()), WorkspaceID: "w"}, []byte("late")),
			"changed": second(postgres.NewEndpoints(s.db).Create(ctx, whole())),
		} {
			if webhook.CodeOf(err) != webhook.CodeNotFound {
				t.Errorf("%s after its deletion: %v", name, err)
			}
		}
		wantCode(t, second(store.Create(ctx, webhook.Workspace{ID: "w", Name: "again"})), webhook.CodeConflict)
		versions, _, err := postgres.NewIngest(s.db).Versions(ctx, []webhook.WorkspaceID{"w", "other"})
		must(t, err)
		if _, ok := versions["w"]; ok || len(versions) != 1 {
			t.Errorf("it takes events: %v", versions)
		}

		_, err = keys.ByHash(ctx, []byte("other"))
		must(t, err)
		_, err = postgres.NewEndpoints(s.db).Get(ctx, "other", bystander.ID)
		must(t, err)
	})

	t.Run("AreDeletedAlsoAfterADeadlock", func(t *testing.T) {
		t.Parallel()
		// A worker that disables an endpoint locks it first and the workspace second.
		s := setup(t)
		s.exec("CREATE SEQUENCE tries")
		s.exec(`CREATE FUNCTION conflict() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
			IF nextval('tries') <= 2 THEN RAISE EXCEPTION 'conflict' USING ERRCODE = '40P01'; END IF; RETURN NULL; END $$`)
		s.exec("CREATE TRIGGER conflict AFTER UPDATE ON endpoints FOR EACH STATEMENT EXECUTE FUNCTION conflict()")
		must(t, postgres.NewWorkspaces(s.db).Delete(ctx, "w"))
		s.holds("SELECT deleted_at IS NOT NULL AND endpoints_version = 2 FROM workspaces")
	})

	t.Run("AreListedNewestFirst", func(t *testing.T) {
		t.Parallel()
		s := setup(t)
		store := postgres.NewWorkspaces(s.db)
		// Made in one transaction: of the same microsecond.
		s.exec("INSERT INTO workspaces (id, name) SELECT 'tie_' || i, 'T' FROM generate_series(1, 7) i")
		s.exec("INSERT INTO workspaces (id, name, deleted_at) VALUES ('gone', 'G', now())")
		var seen []webhook.WorkspaceID
		for after, more := (webhook.Workspace{}), true; more; {
			page, next, err := store.List(ctx, after, 3)
			must(t, err)
			for _, w := range page {
				seen = append(seen, w.ID)
			}
			after, more = page[len(page)-1], next
			_, err = store.Create(ctx, webhook.Workspace{ID: "new_" + after.ID, Name: "N"}) // shifts nothing
			must(t, err)
		}
		if want := []webhook.WorkspaceID{"tie_7", "tie_6", "tie_5", "tie_4", "tie_3", "tie_2", "tie_1", "w"}; !slices.Equal(seen, want) {
			t.Errorf("got %v", seen)
		}
	})
}

func second[T any](_ T, err error) error { return err }

// rename is an edit.
func rename(name string) func(*webhook.Workspace) error {
	return func(w *webhook.Workspace) error {
		w.Name = name
		return nil
	}
}
