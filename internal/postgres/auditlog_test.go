package postgres_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/postrider/postrider/internal/postgres"
	"github.com/postrider/postrider/internal/postgres/internal/dbsqlc"
	"github.com/postrider/postrider/internal/webhook"
)

// asKey is a context in which a key asks for something, at a time.
func asKey(at time.Time) context.Context {
	return webhook.WithActor(context.Background(), webhook.Actor{
		KeyID: webhook.NewID(at), RequestID: "req_1", Action: "updateThing", RemoteAddr: "192.0.2.1", At: at,
	})
}

// changesOf makes each kind of change once, in any order.
func (s *stage) changesOf() map[string]func(context.Context) error {
	keys, ends, workspaces := postgres.NewKeys(s.db), postgres.NewEndpoints(s.db), postgres.NewWorkspaces(s.db)
	deliveries, replays, types := postgres.NewDeliveries(s.db), postgres.NewReplays(s.db), postgres.NewEventTypes(s.db)
	key := webhook.Key{ID: webhook.NewID(time.Now()), WorkspaceID: "w", Name: "N"}
	s.exec("INSERT INTO workspaces (id, name) VALUES ('gone', 'G')")
	failed, pending := s.set(s.pending(0, ""), isFailed), s.pending(0, "")
	s.exec("INSERT INTO events (id, workspace_id, type, created_at, deliveries, body) VALUES ($1, 'w', 'a.b', now(), 1, '{}')", pg(failed.EventID))
	running := webhook.Replay{ID: webhook.NewID(time.Now()), WorkspaceID: "w", EndpointID: s.end, Status: webhook.ReplayRunning, Since: time.Now(), Until: time.Now()}
	must(s.t, replays.Create(context.Background(), &running))
	revoked := webhook.Key{ID: webhook.NewID(time.Now()), WorkspaceID: "w"}
	must(s.t, keys.Create(context.Background(), revoked, []byte("revoked")))
	deleted := s.endpoint("w").ID
	_, _, err := types.Put(context.Background(), webhook.EventType{WorkspaceID: "w", Name: "old", ID: webhook.NewID(time.Now()), Validation: "off"})
	must(s.t, err)
	return map[string]func(context.Context) error{
		"CreateKey": func(ctx context.Context) error { return keys.Create(ctx, key, []byte("k")) },
		"RevokeKey": func(ctx context.Context) error { return keys.Revoke(ctx, "w", revoked.ID) },
		"CreateWorkspace": func(ctx context.Context) error {
			_, err := workspaces.Create(ctx, webhook.Workspace{ID: "new", Name: "New"})
			return err
		},
		"RenameWorkspace": func(ctx context.Context) error {
			_, err := workspaces.Update(ctx, "w", rename("Other"))
			return err
		},
		"DeleteWorkspace": func(ctx context.Context) error { return workspaces.Delete(ctx, "gone") },
		"CreateEndpoint": func(ctx context.Context) error {
			e := whole()
			_, err := ends.Create(ctx, e)
			return err
		},
		"UpdateEndpoint": func(ctx context.Context) error {
			_, err := ends.Update(ctx, "w", s.end, func(e *webhook.Endpoint) error { e.Description = "D"; return nil })
			return err
		},
		"DeleteEndpoint": func(ctx context.Context) error { return ends.Delete(ctx, "w", deleted) },
		"RetryDelivery": func(ctx context.Context) error {
			_, err := deliveries.Retry(ctx, "w", failed.DeliveryID)
			return err
		},
		"CancelDelivery": func(ctx context.Context) error {
			_, err := deliveries.Cancel(ctx, "w", pending.DeliveryID)
			return err
		},
		"CreateReplay": func(ctx context.Context) error {
			r := running
			r.ID = webhook.NewID(time.Now())
			return replays.Create(ctx, &r)
		},
		"ReplayEvent": func(ctx context.Context) error {
			r := webhook.Replay{ID: webhook.NewID(time.Now()), WorkspaceID: "w", EventID: failed.EventID, Since: time.Now(), Until: time.Now()}
			return replays.ReplayEvent(ctx, &r, "a.b", []webhook.ID{s.end})
		},
		"CreateReplayOfDeliveries": func(ctx context.Context) error {
			r := webhook.Replay{
				ID: webhook.NewID(time.Now()), WorkspaceID: "w", Status: webhook.ReplayRunning, Since: time.Now(), Until: time.Now(), DeliveryIDs: []webhook.ID{failed.DeliveryID},
			}
			return replays.Create(ctx, &r)
		},
		"CancelReplay": func(ctx context.Context) error {
			_, err := replays.Cancel(ctx, "w", running.ID)
			return err
		},
		"CreateEventType": func(ctx context.Context) error {
			_, _, err := types.Put(ctx, webhook.EventType{WorkspaceID: "w", Name: "new", ID: webhook.NewID(time.Now()), Validation: "off"})
			return err
		},
		"ReplaceEventType": func(ctx context.Context) error {
			_, _, err := types.Put(ctx, webhook.EventType{WorkspaceID: "w", Name: "old", ID: webhook.NewID(time.Now()), Validation: "off", Description: "D"})
			return err
		},
		"DeleteEventType": func(ctx context.Context) error { return types.Delete(ctx, "w", "old") },
	}
}

// content is a hash of what the API changes.
func (s *stage) content() string {
	s.t.Helper()
	all := ""
	for _, table := range []string{"workspaces", "keys", "endpoints", "deliveries", "replays", "event_types", "audit_log"} {
		all += query[string](s, "SELECT coalesce(md5(string_agg(to_jsonb(x)::text, '' ORDER BY to_jsonb(x)::text)), '') FROM "+table+" x")
	}
	return all
}

func TestAuditLog(t *testing.T) {
	t.Parallel()
	now := time.Now()

	t.Run("OfOneMillisecondIsInOrder", func(t *testing.T) {
		t.Parallel()
		s := setup(t)
		log := postgres.NewAuditLog(s.db)
		for n := range 50 {
			must(t, log.Record(asKey(now), "w", webhook.Target{Kind: webhook.KindEventType, ID: fmt.Sprintf("%02d", n)}))
		}
		all, _, err := log.List(t.Context(), "w", webhook.AuditFilter{}, webhook.Page{Limit: 50})
		must(t, err)
		if len(all) != 50 || !slices.IsSortedFunc(all, func(a, b webhook.AuditEntry) int { return strings.Compare(b.Target.ID, a.Target.ID) }) {
			t.Errorf("got %+v", all)
		}
	})

	t.Run("IsWrittenWithTheChangeOrNeitherIs", func(t *testing.T) {
		t.Parallel()
		s := setup(t)
		all := s.changesOf()
		s.exec(`CREATE FUNCTION no() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE 'no'; END $$;
			CREATE TRIGGER no BEFORE INSERT ON audit_log FOR EACH ROW EXECUTE FUNCTION no()`)
		before := s.content()
		for name, change := range all {
			if err := change(asKey(now)); err == nil || s.content() != before {
				t.Errorf("%s took place without its entry: %v", name, err)
			}
		}
		s.exec("DROP TRIGGER no ON audit_log")
		changed := []string{"workspaces", "keys", "endpoints", "deliveries", "replays", "event_types"}
		for _, table := range changed { // fails when the change commits
			s.exec("CREATE CONSTRAINT TRIGGER no AFTER INSERT OR UPDATE OR DELETE ON " + table + " DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION no()")
		}
		for name, change := range all {
			if err := change(asKey(now)); err == nil || s.content() != before {
				t.Errorf("%s has an entry and did not take place: %v", name, err)
			}
		}
		for _, table := range changed {
			s.exec("DROP TRIGGER no ON " + table)
		}
		for _, name := range []string{
			"CreateKey", "RevokeKey", "CreateWorkspace", "RenameWorkspace", "DeleteWorkspace", "CreateEndpoint", "UpdateEndpoint", "DeleteEndpoint", "RetryDelivery",
			"CancelDelivery", "CreateReplay", "ReplayEvent", "CreateReplayOfDeliveries", "CancelReplay", "CreateEventType", "ReplaceEventType", "DeleteEventType",
		} {
			entries := query[int](s, "SELECT count(*) FROM audit_log")
			if err := all[name](asKey(now)); err != nil {
				t.Errorf("%s: %v", name, err)
			}
			if n := query[int](s, "SELECT count(*) FROM audit_log") - entries; n != 1 {
				t.Errorf("%s wrote %d entries", name, n)
			}
			delete(all, name)
		}
		if len(all) > 0 {
			t.Errorf("these were not tried: %v", all)
		}
	})

	t.Run("HasNoEntryOfWhatDidNotHappen", func(t *testing.T) {
		t.Parallel()
		s := setup(t)
		_, _ = postgres.NewDeliveries(s.db).Retry(asKey(now), "w", s.pending(0, "").DeliveryID)
		_, _ = postgres.NewDeliveries(s.db).Cancel(asKey(now), "w", s.set(s.pending(0, ""), isSuccess).DeliveryID)
		_ = postgres.NewKeys(s.db).Revoke(asKey(now), "w", webhook.NewID(now))
		_ = postgres.NewEndpoints(s.db).Delete(asKey(now), "other", s.end)
		_, _ = postgres.NewWorkspaces(s.db).Create(asKey(now), webhook.Workspace{ID: "w", Name: "again"})
		s.holds("SELECT count(*) = 0 FROM audit_log")
	})

	t.Run("HasNoEntryOfWhatNobodyAskedFor", func(t *testing.T) {
		t.Parallel()
		s := setup(t)
		for name, change := range s.changesOf() {
			if err := change(context.Background()); err != nil {
				t.Errorf("%s: %v", name, err)
			}
		}
		s.holds("SELECT count(*) = 0 FROM audit_log")
	})

	t.Run("IsListedByWorkspaceAndTime", func(t *testing.T) {
		t.Parallel()
		s := setup(t)
		store, thing := postgres.NewAuditLog(s.db), webhook.Target{Kind: webhook.KindEndpoint, ID: "ep_1"}
		at := now.Truncate(time.Millisecond)
		for i, ws := range []webhook.WorkspaceID{"w", "w", "other", "w"} {
			must(t, store.Record(asKey(at.Add(time.Duration(i)*time.Second)), ws, thing))
		}
		times := func(ws webhook.WorkspaceID, since, until time.Time, limit int) (out []int, more bool) {
			all, more, err := store.List(t.Context(), ws, webhook.AuditFilter{Since: since, Until: until}, webhook.Page{Limit: limit})
			must(t, err)
			for _, e := range all {
				if e.Target != thing || e.Actor.RequestID != "req_1" || e.Actor.Action != "updateThing" || e.Actor.RemoteAddr != "192.0.2.1" || e.Actor.KeyID.IsZero() {
					t.Errorf("got %+v", e)
				}
				out = append(out, int(e.ID.Time().Sub(at)/time.Second))
			}
			return out, more
		}
		wantTimes(t, "w", []int{3, 1, 0})(times("w", time.Time{}, time.Time{}, 10))
		wantTimes(t, "everybody", []int{3, 2, 1, 0})(times("", time.Time{}, time.Time{}, 10))
		wantTimes(t, "since is in, until is not", []int{2, 1})(times("", at.Add(time.Second), at.Add(3*time.Second), 10))
		if got, more := times("w", time.Time{}, time.Time{}, 2); len(got) != 2 || !more {
			t.Errorf("got %v, more: %v", got, more)
		}
	})

	t.Run("LosesWhatIsOlderThanItsTimeAndNothingElse", func(t *testing.T) {
		t.Parallel()
		s := setup(t)
		store := postgres.NewAuditLog(s.db)
		const keep = 24 * time.Hour
		for _, age := range []time.Duration{keep + time.Minute, keep - time.Minute, 0} {
			must(t, store.Record(asKey(time.Now().Add(-age)), "w", webhook.Target{}))
		}
		must(t, store.RemoveOld(t.Context(), keep))
		s.holds("SELECT count(*) = 2 FROM audit_log")
	})
}

func wantTimes(t *testing.T, what string, want []int) func([]int, bool) {
	return func(got []int, _ bool) {
		t.Helper()
		if len(got) != len(want) {
			t.Errorf("%s: got %v, want %v", what, got, want)
			return
		}
		for i := range want {
			if got[i] != want[i] {
				t.Errorf("%s: got %v, want %v", what, got, want)
			}
		}
	}
}

// However many entries there are, a page and a removal read no more than their own.
func TestAuditLogGoesByItsIndexes(t *testing.T) {
	t.Parallel()
	s := setup(t)
	rare := webhook.NewID(time.Now())
	s.exec(`INSERT INTO audit_log (id, workspace_id, key_id, action, target_kind, target, request_id, changes)
		SELECT (lpad(to_hex($1::bigint + i), 12, '0') || substr(md5(i::text), 1, 20))::uuid,
		       CASE WHEN i % 1000 = 0 THEN 'small' ELSE 'w' END, CASE WHEN i % 900 = 1 THEN $2::uuid WHEN i % 900 <> 2 THEN $3::uuid END,
		       CASE WHEN i % 800 = 1 THEN 'rare' ELSE 'often' END, 'endpoint', 'ep_' || i % 500, 'r', '[]'
		FROM generate_series(1, 20000) i`, time.Now().UnixMilli(), pg(rare), pg(webhook.NewID(time.Now())))
	s.exec("VACUUM ANALYZE audit_log")
	conn := s.planner()
	lo, hi := pg(webhook.ID{}), pg(webhook.FirstID(time.Now().Add(time.Hour)))
	of := func(ws string, byAdmin bool, byKey, action, target any) []any {
		return []any{ws, lo, hi, byAdmin, byKey, action, target, int32(51)}
	}
	for name, want := range map[string]struct {
		index, sql string
		args       []any
	}{
		"OfAWorkspace":       {"audit_log_workspace", dbsqlc.ListAuditLog, of("small", false, nil, nil, nil)},
		"OfAStranger":        {"audit_log_workspace", dbsqlc.ListAuditLog, of("nobody", false, nil, nil, nil)},
		"OfAKey":             {"audit_log_actor", dbsqlc.ListAuditLog, of("w", false, pg(rare), nil, nil)},
		"OfTheAdmin":         {"audit_log_actor", dbsqlc.ListAuditLog, of("w", true, nil, nil, nil)},
		"OfAnAction":         {"audit_log_action", dbsqlc.ListAuditLog, of("w", false, nil, "rare", nil)},
		"OfATarget":          {"audit_log_target", dbsqlc.ListAuditLog, of("w", false, nil, nil, "ep_7")},
		"OfEverybody":        {"audit_log_pkey", dbsqlc.ListWholeAuditLog, []any{lo, hi, nil, int32(51)}},
		"OfEverybodysTarget": {"audit_log_target", dbsqlc.ListWholeAuditLog, []any{lo, hi, "ep_7", int32(51)}},
		"OfNobodysTarget":    {"audit_log_target", dbsqlc.ListWholeAuditLog, []any{lo, hi, "ep_nobody", int32(51)}},
		"RemovalOfAPage":     {"audit_log_pkey", dbsqlc.RemoveOldAuditEntries, []any{hi, int32(100)}},
	} {
		t.Run(name, func(t *testing.T) { wantPlan(t, conn, 0, want.index, want.sql, want.args...) })
	}
}
