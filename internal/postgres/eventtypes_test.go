package postgres_test

import (
	"context"
	"encoding/json"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/postrider/postrider/internal/postgres"
	"github.com/postrider/postrider/internal/webhook"
)

func eventType(name string, v webhook.Validation) webhook.EventType {
	return webhook.EventType{
		WorkspaceID: "w", Name: name, ID: webhook.NewID(time.Now()), Validation: v,
		Schema: json.RawMessage(`{"b": 1.0,"a":"\u0000"}`),
	}
}

func TestEventTypes(t *testing.T) {
	t.Parallel()
	s := setup(t)
	s.exec("INSERT INTO workspaces (id, name) VALUES ('other', 'O')")
	ctx := context.Background()
	types, ingest := postgres.NewEventTypes(s.db), postgres.NewIngest(s.db)
	version := func() int64 { return query[int64](s, "SELECT types_version FROM workspaces WHERE id = 'w'") }

	t.Run("EveryChangeMovesTheVersion", func(t *testing.T) {
		before, endpoints := version(), query[int64](s, "SELECT endpoints_version FROM workspaces WHERE id = 'w'")
		first, created, err := types.Put(ctx, eventType("a", webhook.ValidationWarn))
		must(t, err)
		if !created || first.Version != before+1 || version() != before+1 {
			t.Errorf("created %v, version %d, now %d, before %d", created, first.Version, version(), before)
		}
		second, created, err := types.Put(ctx, eventType("a", webhook.ValidationReject))
		must(t, err)
		if created || second.Version != before+2 || second.ID != first.ID {
			t.Errorf("created %v, %+v", created, second)
		}
		got, err := types.Get(ctx, "w", "a")
		must(t, err)
		if got.Version != second.Version || string(got.Schema) != `{"b": 1.0,"a":"\u0000"}` || got.Example != nil {
			t.Errorf("got %+v", got)
		}
		must(t, types.Delete(ctx, "w", "a"))
		if version() != before+3 {
			t.Errorf("version %d after a deletion, before %d", version(), before)
		}
		if got := query[int64](s, "SELECT endpoints_version FROM workspaces WHERE id = 'w'"); got != endpoints {
			t.Error("the endpoints' version moved too, and all of them would be loaded again")
		}
	})
	t.Run("WhatFailsMovesNothing", func(t *testing.T) {
		before := version()
		wantCode(t, types.Delete(ctx, "w", "nobodys"), webhook.CodeNotFound)
		noSchema := eventType("b", webhook.ValidationReject)
		noSchema.Schema = nil
		if _, _, err := types.Put(ctx, noSchema); err == nil {
			t.Error("it rejects without a schema")
		}
		if version() != before {
			t.Errorf("version %d, before %d", version(), before)
		}
	})
	t.Run("NothingCrosses", func(t *testing.T) {
		_, _, err := types.Put(ctx, eventType("c", webhook.ValidationReject))
		must(t, err)
		_, err = types.Get(ctx, "other", "c")
		wantCode(t, err, webhook.CodeNotFound)
		wantCode(t, types.Delete(ctx, "other", "c"), webhook.CodeNotFound)
		rules, err := ingest.Rules(ctx, []webhook.WorkspaceID{"other", "w"})
		must(t, err)
		if len(rules["other"]) != 0 || len(rules["w"]) != 1 {
			t.Errorf("got %v", rules)
		}
		schemas, err := ingest.Schemas(ctx, "other", []string{"c"})
		must(t, err)
		if len(schemas) != 0 {
			t.Errorf("got %v", schemas)
		}
	})
	t.Run("WhatIsOffHasNoRule", func(t *testing.T) {
		_, _, err := types.Put(ctx, eventType("c", webhook.ValidationOff))
		must(t, err)
		rules, err := ingest.Rules(ctx, []webhook.WorkspaceID{"w"})
		must(t, err)
		schemas, err := ingest.Schemas(ctx, "w", []string{"c"})
		must(t, err)
		if len(rules)+len(schemas) != 0 {
			t.Errorf("got %v and %v", rules, schemas)
		}
	})
	t.Run("ManyAtOnceAreAllThere", func(t *testing.T) {
		before := version()
		var all sync.WaitGroup
		for i := range 20 {
			all.Go(func() {
				if _, _, err := types.Put(ctx, eventType(fmt.Sprintf("many.%d", i%10), webhook.ValidationReject)); err != nil {
					t.Error(err)
				}
			})
		}
		all.Wait()
		if got := version(); got != before+20 {
			t.Errorf("version %d after 20 changes, before %d", got, before)
		}
		s.holds("SELECT count(*) = 10 AND count(DISTINCT version) = 10 FROM event_types WHERE name LIKE 'many.%'")
	})
	t.Run("NoneInADeletedWorkspace", func(t *testing.T) {
		must(t, postgres.NewWorkspaces(s.db).Delete(ctx, "w"))
		_, _, err := types.Put(ctx, eventType("d", webhook.ValidationOff))
		wantCode(t, err, webhook.CodeNotFound)
		_, err = types.Get(ctx, "w", "many.1")
		wantCode(t, err, webhook.CodeNotFound)
	})
}
