package operations_test

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/postrider/postrider/internal/operations"
	"github.com/postrider/postrider/internal/postgres"
	"github.com/postrider/postrider/internal/webhook"
)

// killed publishes and does not live to see it forgotten.
type killed struct{ operations.Outbox }

var errKilled = errors.New("killed")

func (k killed) Take(ctx context.Context, limit int, publish func(context.Context, []webhook.Operation) error) (int, error) {
	return k.Outbox.Take(ctx, limit, func(ctx context.Context, ops []webhook.Operation) error {
		if err := publish(ctx, ops); err != nil {
			return err
		}
		return errKilled
	})
}

func TestPublisher(t *testing.T) {
	t.Parallel()

	t.Run("PublishesOnceWhatIsAcceptedAndThenNotForgotten", func(t *testing.T) {
		t.Parallel()
		s := setup(t)
		s.workspace("ops")
		s.endpoint("ops")
		id := s.waits(time.Now())
		dying := operations.New(killed{s.outbox}, s.ingester, "ops", operations.Config{})
		if err := dying.RunOnce(t.Context()); !errors.Is(err, errKilled) {
			t.Fatal(err)
		}
		s.holds("SELECT count(*) = 1 FROM operational_events")
		s.holds("SELECT count(*) = 1 FROM events")
		must(t, s.publisher("ops").RunOnce(t.Context()))
		s.holds("SELECT count(*) = 0 FROM operational_events")
		s.holds(`SELECT count(*) = 1 AND bool_and(external_id = $1 AND type = 'endpoint.failing' AND workspace_id = 'ops' AND deliveries = 1
			AND convert_from(body, 'UTF8')::json->'data'->'object'->>'workspace_id' = 'acme') FROM events`, "op_"+id.String())
		s.holds("SELECT count(*) = 1 FROM deliveries")
	})

	t.Run("EmptiesWhatIsMoreThanAPage", func(t *testing.T) {
		t.Parallel()
		s := setup(t)
		s.workspace("ops")
		for range 1001 {
			s.waits(time.Now())
		}
		must(t, s.publisher("ops").RunOnce(t.Context()))
		s.holds("SELECT count(*) = 1001 FROM events")
		s.holds("SELECT count(*) = 0 FROM operational_events")
	})

	t.Run("OfTwoEachPublishesOnce", func(t *testing.T) {
		t.Parallel()
		s := setup(t)
		s.workspace("ops")
		for range 700 {
			s.waits(time.Now())
		}
		var both sync.WaitGroup
		for range 2 {
			both.Go(func() {
				if err := s.publisher("ops").RunOnce(context.Background()); err != nil {
					t.Error(err)
				}
			})
		}
		both.Wait()
		s.holds("SELECT count(*) = 700 AND count(DISTINCT external_id) = 700 FROM events")
		s.holds("SELECT count(*) = 0 FROM operational_events")
	})

	t.Run("WaitsForAWorkspaceAndWarnsOnceInAWhile", func(t *testing.T) {
		t.Parallel()
		s := setup(t)
		s.waits(time.Now())
		var said bytes.Buffer
		now := time.Now()
		p := operations.New(s.outbox, s.ingester, "ops", operations.Config{
			Logger: slog.New(slog.NewTextHandler(&said, nil)), Now: func() time.Time { return now },
		})
		for range 3 {
			must(t, p.RunOnce(t.Context()))
		}
		now = now.Add(10 * time.Minute)
		must(t, p.RunOnce(t.Context()))
		if n := strings.Count(said.String(), "does not exist"); n != 2 {
			t.Errorf("warned %d times in ten minutes: %s", n, &said)
		}
		s.holds("SELECT count(*) = 1 FROM operational_events")
		s.workspace("ops")
		must(t, p.RunOnce(t.Context()))
		s.holds("SELECT count(*) = 1 FROM events")
	})

	t.Run("DropsAndCountsWhatIsTooOld", func(t *testing.T) {
		t.Parallel()
		for name, ws := range map[string]webhook.WorkspaceID{"WithAWorkspaceThatIsMissing": "ops", "WithoutAny": ""} {
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				s := setup(t)
				var accepter operations.Accepter // nobody needs one to tell nobody
				if ws != "" {
					accepter = s.ingester
				}
				s.waits(time.Now().Add(-7*24*time.Hour - time.Minute))
				kept := s.waits(time.Now().Add(-7*24*time.Hour + time.Minute))
				registry := prometheus.NewRegistry()
				p := operations.New(s.outbox, accepter, ws, operations.Config{Registerer: registry})
				must(t, p.RunOnce(t.Context()))
				s.holds("SELECT count(*) = 1 AND bool_and(id = $1) FROM operational_events", uuid(kept))
				if n := counted(t, registry, "postrider_operations_dropped_events_total"); n != 1 {
					t.Errorf("counted %v", n)
				}
				s.holds("SELECT count(*) = 0 FROM events")
			})
		}
	})

	t.Run("KeepsEverythingWhilePostgresIsAway", func(t *testing.T) {
		t.Parallel()
		s := setup(t)
		s.workspace("ops")
		s.waits(time.Now())
		gone, err := postgres.Open(t.Context(), postgres.Config{URL: "postgres://127.0.0.1:1/nobody"})
		must(t, err)
		t.Cleanup(gone.Close)
		p := operations.New(postgres.NewOperations(gone), s.ingester, "ops", operations.Config{})
		if err := p.RunOnce(t.Context()); webhook.CodeOf(err) != webhook.CodeUnavailable {
			t.Errorf("got %v", err)
		}
		p = operations.New(s.outbox, refuses{}, "ops", operations.Config{})
		if err := p.RunOnce(t.Context()); webhook.CodeOf(err) != webhook.CodeUnavailable {
			t.Errorf("got %v", err)
		}
		s.holds("SELECT count(*) = 1 FROM operational_events")
	})
}

// refuses is an accepter whose Postgres is away.
type refuses struct{}

func (refuses) Accept(context.Context, webhook.WorkspaceID, []webhook.NewEvent) ([]webhook.Accepted, error) {
	return nil, &webhook.Error{Code: webhook.CodeUnavailable}
}
