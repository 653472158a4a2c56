package postgres_test

import (
	"context"
	"testing"
	"time"

	"github.com/postrider/postrider/internal/pgtest"
	"github.com/postrider/postrider/internal/postgres"
	"github.com/postrider/postrider/internal/recovery/parking"
	"github.com/postrider/postrider/internal/recovery/turns"
	"github.com/postrider/postrider/internal/webhook"
)

// calls are one call of each store's every way to Postgres.
func calls(db *postgres.DB, m webhook.Member) map[string]func(context.Context) error {
	endpoints, keys, workspaces := postgres.NewEndpoints(db), postgres.NewKeys(db), postgres.NewWorkspaces(db)
	deliveries, events, ingest := postgres.NewDeliveries(db), postgres.NewEvents(db), postgres.NewIngest(db)
	deliver := postgres.NewDeliver(db, postgres.Breaker{Failures: 20, Window: time.Minute, DisableAfter: 5 * 24 * time.Hour})
	members, page := []webhook.Member{m}, webhook.Page{Limit: 1}
	chunks := []webhook.Chunk{{Task: "c_1", Members: members}}
	group := func(id string) *webhook.Group {
		return &webhook.Group{Events: []webhook.Event{{ID: webhook.NewID(time.Now()), ExternalID: id, WorkspaceID: "w", Type: "a", Body: []byte("{}")}}}
	}
	return map[string]func(context.Context) error{
		"Ping":      db.Ping,
		"Commit":    func(ctx context.Context) error { return second(ingest.Commit(ctx, group(""))) },
		"CommitOwn": func(ctx context.Context) error { return second(ingest.Commit(ctx, group("x"))) },
		"Versions": func(ctx context.Context) error {
			_, _, err := ingest.Versions(ctx, []webhook.WorkspaceID{"w"})
			return err
		},
		"Taken": func(ctx context.Context) error {
			return second(ingest.Taken(ctx, []webhook.IdempotencyKey{idempotencyKey("k")}))
		},
		"Subscriptions": func(ctx context.Context) error { return second(ingest.Subscriptions(ctx, []webhook.WorkspaceID{"w"})) },
		"Rules":         func(ctx context.Context) error { return second(ingest.Rules(ctx, []webhook.WorkspaceID{"w"})) },
		"Schemas":       func(ctx context.Context) error { return second(ingest.Schemas(ctx, "w", []string{"a"})) },
		"Known":         func(ctx context.Context) error { return second(ingest.Known(ctx, "w", []string{"a"})) },
		"GetType":       func(ctx context.Context) error { return second(postgres.NewEventTypes(db).Get(ctx, "w", "a")) },
		"ListTypes": func(ctx context.Context) error {
			_, _, err := postgres.NewEventTypes(db).List(ctx, "w", page)
			return err
		},
		"PutType": func(ctx context.Context) error {
			_, _, err := postgres.NewEventTypes(db).Put(ctx, eventType("a", webhook.ValidationOff))
			return err
		},
		"DeleteType": func(ctx context.Context) error { return postgres.NewEventTypes(db).Delete(ctx, "w", "a") },
		"States": func(ctx context.Context) error {
			_, _, err := postgres.NewExplain(db).States(ctx, "w", nil, page)
			return err
		},
		"DeliveriesTo": func(ctx context.Context) error {
			return second(postgres.NewExplain(db).Deliveries(ctx, "w", m.EventID, []webhook.ID{m.EndpointID}))
		},
		"Find":  func(ctx context.Context) error { return second(ingest.Find(ctx, "w", m.EventID)) },
		"Guard": func(ctx context.Context) error { return second(deliver.Guard(ctx, members)) },
		"Record": func(ctx context.Context) error {
			return second(deliver.Record(ctx, []webhook.Outcome{outcome(m, "c_1", 0, 200)}))
		},
		"HandOver": func(ctx context.Context) error { return second(deliver.HandOver(ctx, members, "c_1", "c_2")) },
		"Park": func(ctx context.Context) error {
			return deliver.Park(ctx, []webhook.Hold{{Delivery: m, Task: "c_1", Reason: "x"}})
		},
		"EndRuns":    func(ctx context.Context) error { return deliver.EndRuns(ctx, []webhook.ID{m.EndpointID}) },
		"BeginProbe": func(ctx context.Context) error { return second(deliver.BeginProbe(ctx, m)) },
		"Settle":     func(ctx context.Context) error { return deliver.Settle(ctx, members, "c_1", webhook.StatusFailed, "x") },
		"Bodies":     func(ctx context.Context) error { return second(deliver.Events(ctx, members)) },
		"Targets": func(ctx context.Context) error {
			_, _, err := deliver.Endpoints(ctx, []webhook.ID{m.EndpointID})
			return err
		},
		"Failing":   func(ctx context.Context) error { return second(deliver.Failing(ctx)) },
		"Heartbeat": func(ctx context.Context) error { return second(deliver.Heartbeat(ctx, "me", "host")) },
		"Leave":     func(ctx context.Context) error { return deliver.Leave(ctx, "me") },
		"Claim": func(ctx context.Context) error {
			_, _, err := postgres.NewFeed(db).Claim(ctx, turns.Room{Live: 10}, time.Now())
			return err
		},
		"Release": func(ctx context.Context) error { return postgres.NewFeed(db).Release(ctx, chunks) },
		"Clock":   func(ctx context.Context) error { return second(postgres.NewAudit(db).Clock(ctx)) },
		"Held": func(ctx context.Context) error {
			_, _, err := postgres.NewAudit(db).Held(ctx, time.Time{}, time.Now(), 10)
			return err
		},
		"DeadWorkers": func(ctx context.Context) error {
			return second(postgres.NewAudit(db).DeadWorkers(ctx, []string{"w_1"}))
		},
		"Heartbeats": func(ctx context.Context) error { return second(postgres.NewAudit(db).Heartbeats(ctx)) },
		"HeldBy": func(ctx context.Context) error {
			return second(postgres.NewAudit(db).HeldBy(ctx, []string{"w_1"}, 10))
		},
		"Next": func(ctx context.Context) error { return second(postgres.NewParked(db).Next(ctx, parking.Decide)) },
		"Expire": func(ctx context.Context) error {
			return second(postgres.NewRetention(db).Expire(ctx, m.DeliveryID.Day()))
		},
		"Days":       func(ctx context.Context) error { return second(postgres.NewRetention(db).Days(ctx)) },
		"Partitions": func(ctx context.Context) error { return db.EnsurePartitions(ctx, time.Now(), 1) },
		"Acquire": func(ctx context.Context) error {
			_, _, err := postgres.NewLeases(db).Acquire(ctx, "l", "me", time.Second)
			return err
		},
		"GetEndpoint":    func(ctx context.Context) error { return second(endpoints.Get(ctx, "w", m.EndpointID)) },
		"ListEndpoints":  func(ctx context.Context) error { _, _, err := endpoints.List(ctx, "w", page); return err },
		"CreateEndpoint": func(ctx context.Context) error { return second(endpoints.Create(ctx, whole())) },
		"KeyByHash":      func(ctx context.Context) error { return second(keys.ByHash(ctx, []byte("w"))) },
		"CreateKey": func(ctx context.Context) error {
			return keys.Create(ctx, webhook.Key{ID: webhook.NewID(time.Now()), WorkspaceID: "w"}, []byte("n"))
		},
		"GetWorkspace":   func(ctx context.Context) error { return second(workspaces.Get(ctx, "w")) },
		"ListWorkspaces": func(ctx context.Context) error { _, _, err := workspaces.List(ctx, webhook.Workspace{}, 1); return err },
		"Rename":         func(ctx context.Context) error { return second(workspaces.Update(ctx, "w", rename("X"))) },
		"GetDelivery":    func(ctx context.Context) error { return second(deliveries.Get(ctx, "w", m.DeliveryID)) },
		"ListDeliveries": func(ctx context.Context) error {
			_, _, err := deliveries.List(ctx, "w", webhook.DeliveryFilter{}, page)
			return err
		},
		"Attempts": func(ctx context.Context) error {
			_, _, err := deliveries.Attempts(ctx, "w", m.DeliveryID, 0, page)
			return err
		},
		"Retry":  func(ctx context.Context) error { return second(deliveries.Retry(ctx, "w", m.DeliveryID)) },
		"Cancel": func(ctx context.Context) error { return second(deliveries.Cancel(ctx, "w", m.DeliveryID)) },
		"GetEvent": func(ctx context.Context) error {
			return second(events.Get(ctx, "w", m.EventID.Format(webhook.EventPrefix)))
		},
		"ListEvents": func(ctx context.Context) error {
			_, _, err := events.List(ctx, "w", webhook.EventFilter{}, page)
			return err
		},
	}
}

func TestWithPostgresAway(t *testing.T) {
	t.Parallel()
	server := pgtest.NewServer(t)
	s := &stage{t: t, url: server.DSN()}
	s.db = s.open(oneKey)
	must(t, s.db.EnsurePartitions(t.Context(), time.Now(), 1))
	m := webhook.Member{DeliveryID: webhook.NewID(time.Now()), EventID: webhook.NewID(time.Now()), EndpointID: webhook.NewID(time.Now()), WorkspaceID: "w"}
	all := calls(s.db, m)
	for name, call := range all { // with connections that are open, and what they prepared
		if err := call(t.Context()); webhook.CodeOf(err) == webhook.CodeUnavailable {
			t.Fatalf("%s while Postgres is there: %v", name, err)
		}
	}
	must(t, server.Stop(t.Context()))
	for name, call := range all {
		t.Run(name, func(t *testing.T) { wantCode(t, call(t.Context()), webhook.CodeUnavailable) })
	}
	must(t, server.Start(t.Context()))
	for name, call := range all {
		if err := call(t.Context()); webhook.CodeOf(err) == webhook.CodeUnavailable {
			t.Errorf("%s after Postgres came back: %v", name, err)
		}
	}
}

func TestPostgresThatSaysNotNow(t *testing.T) {
	t.Parallel()
	s := setup(t)
	s.exec("CREATE TABLE says (state text)")
	s.exec("INSERT INTO says VALUES ('')")
	s.exec(`CREATE FUNCTION say() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
		RAISE EXCEPTION 'x' USING ERRCODE = (SELECT state FROM says); END $$`)
	s.exec("CREATE TRIGGER say BEFORE UPDATE ON workspaces FOR EACH STATEMENT EXECUTE FUNCTION say()")
	for state, want := range map[string]webhook.Code{
		"57P01": webhook.CodeUnavailable, // shutting down
		"57P03": webhook.CodeUnavailable, // starting up
		"53300": webhook.CodeUnavailable, // too many connections
		"53100": webhook.CodeUnavailable, // disk full
		"25006": webhook.CodeUnavailable, // a standby
		"08P01": webhook.CodeUnavailable, // what PgBouncer says of a server that is away
		"08006": webhook.CodeUnavailable,
		"23505": webhook.CodeInternal,
		"42P01": webhook.CodeUnavailable, // an older release's schema
		"40P01": webhook.CodeInternal,    // after a few tries
	} {
		s.exec("UPDATE says SET state = $1", state)
		_, err := postgres.NewWorkspaces(s.db).Update(t.Context(), "w", rename("X"))
		if webhook.CodeOf(err) != want {
			t.Errorf("%s: %v", state, err)
		}
	}
}
