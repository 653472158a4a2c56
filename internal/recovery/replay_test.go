package recovery

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgtype"

	"github.com/postrider/postrider/internal/postgres"
	"github.com/postrider/postrider/internal/webhook"
)

// lanes has that many tasks waiting in the bulk lane.
type lanes int

func (l lanes) Waiting(context.Context) (map[webhook.Lane]int, error) {
	return map[webhook.Lane]int{webhook.LaneBulk: int(l), webhook.LaneDeliver: 1000}, nil
}

// published inserts an event with its payload, accepted at that time, and one failed
// delivery to each of the endpoints.
func (s *stage) published(at time.Time, eventType, data string, failedAt ...webhook.ID) webhook.ID {
	s.t.Helper()
	var ids webhook.IDSource // as the API does
	id := ids.Next(at)
	body := webhook.EncodeBody(id.Format(webhook.EventPrefix), eventType, at, []byte(data), "w")
	s.exec(`INSERT INTO events (id, workspace_id, type, created_at, body, deliveries) VALUES ($1, 'w', $2, $3, $4, $5)`,
		uuid(id), eventType, at, body, len(failedAt))
	for _, endpoint := range failedAt {
		s.exec(`INSERT INTO deliveries (id, workspace_id, event_id, endpoint_id, event_type, status, completed_at)
			VALUES ($1, 'w', $2, $3, $4, 'failed', now())`, uuid(ids.Next(at)), uuid(id), uuid(endpoint), eventType)
	}
	return id
}

// replay starts one of everything up to now.
func (s *stage) replay(endpoint webhook.ID, change ...func(*webhook.Replay)) webhook.ID {
	s.t.Helper()
	r := webhook.Replay{
		ID: webhook.NewID(time.Now()), WorkspaceID: "w", EndpointID: endpoint, Status: webhook.ReplayRunning,
		Since: time.Now().AddDate(0, 0, -3), Until: time.Now().Add(time.Second), Statuses: []webhook.Status{webhook.StatusFailed},
	}
	for _, c := range change {
		c(&r)
	}
	store := postgres.NewReplays(s.db)
	total, err := store.Count(s.t.Context(), &r, func(string, []byte) bool { return true })
	must(s.t, err)
	r.Total = total
	must(s.t, store.Create(s.t.Context(), &r))
	return r.ID
}

// chosen starts a replay of these deliveries.
func (s *stage) chosen(deliveries []string) webhook.ID {
	s.t.Helper()
	r := webhook.Replay{
		ID: webhook.NewID(time.Now()), WorkspaceID: "w", Status: webhook.ReplayRunning, Since: time.Now().AddDate(0, 0, -3), Until: time.Now().Add(time.Second),
		DeliveryIDs: []webhook.ID{}, Total: int64(len(deliveries)),
	}
	for _, text := range deliveries {
		var id pgtype.UUID
		must(s.t, id.Scan(text))
		r.DeliveryIDs = append(r.DeliveryIDs, id.Bytes)
	}
	must(s.t, postgres.NewReplays(s.db).Create(s.t.Context(), &r))
	return r.ID
}

func (s *stage) replays(l Lanes) *replay {
	return &replay{store: postgres.NewReplays(s.db), lanes: l, metrics: newMetrics(nil), now: time.Now, keep: time.Hour}
}

func (s *stage) stands(id webhook.ID, want string) {
	s.t.Helper()
	r, err := postgres.NewReplays(s.db).Get(s.t.Context(), "w", id)
	must(s.t, err)
	if got := fmt.Sprintf("%s %d/%d", r.Status, r.Done, r.Total); got != want || (r.FinishedAt == nil) != (r.Status == webhook.ReplayRunning) {
		s.t.Errorf("the replay is %s (%v), want %s", got, r.FinishedAt, want)
	}
}

// made is what a replay made, by event.
func (s *stage) made(id webhook.ID) []string {
	s.t.Helper()
	return query[[]string](s, `SELECT coalesce(array_agg(event_id::text ORDER BY event_id), '{}') FROM deliveries
		WHERE replay_id = $1 AND bulk AND status = 'pending' AND task IS NULL AND next_attempt_at <= now()`, uuid(id))
}

func (s *stage) wantsMade(id webhook.ID, events ...webhook.ID) {
	s.t.Helper()
	want := make([]string, len(events))
	for i, e := range events {
		want[i] = uuid(e)
	}
	slices.Sort(want)
	if got := s.made(id); !slices.Equal(got, want) {
		s.t.Errorf("it made deliveries of %v, want %v", got, want)
	}
}

func TestReplay(t *testing.T) {
	t.Parallel()
	now := time.Now()

	t.Run("MakesWhatFailedAgainAndNothingElse", func(t *testing.T) {
		t.Parallel()
		s := newStage(t)
		ep, other := s.endpoint(), s.endpoint()
		today, earlier := s.published(now, "a.b", "{}", ep, other), s.published(now.AddDate(0, 0, -2), "a.c", "{}", ep)
		s.published(now, "a.b", "{}", other)
		s.published(now.AddDate(0, 0, -3).Add(-time.Minute), "a.b", "{}") // before it begins
		worked := s.published(now, "a.b", "{}", ep)
		s.exec("UPDATE deliveries SET status = 'success' WHERE event_id = $1", uuid(worked))
		bare := s.published(now, "a.b", "{}", ep)
		s.exec("UPDATE events SET body = NULL WHERE id = $1", uuid(bare))
		id := s.replay(ep)
		s.stands(id, "running 0/2")
		must(t, s.replays(lanes(0)).runOnce(t.Context()))
		s.stands(id, "done 2/2")
		s.wantsMade(id, today, earlier)
		must(t, s.replays(lanes(0)).runOnce(t.Context()))
		s.wantsMade(id, today, earlier)
	})

	t.Run("OnlyTheLastDeliveryOfAnEventCounts", func(t *testing.T) {
		t.Parallel()
		s := newStage(t)
		ep := s.endpoint()
		again, better := s.published(now, "a.b", "{}", ep), s.published(now, "a.b", "{}", ep)
		first := s.replay(ep)
		must(t, s.replays(lanes(0)).runOnce(t.Context()))
		s.wantsMade(first, again, better)
		none := s.replay(ep) // both are on their way
		must(t, s.replays(lanes(0)).runOnce(t.Context()))
		s.stands(none, "done 0/0")
		s.exec(`UPDATE deliveries SET status = CASE event_id WHEN $1 THEN 'failed' ELSE 'success' END, next_attempt_at = NULL, completed_at = now()
			WHERE replay_id = $2`, uuid(again), uuid(first))
		<-time.After(2 * time.Millisecond) // ids of one millisecond have no order
		second := s.replay(ep)
		s.stands(second, "running 0/1")
		must(t, s.replays(lanes(0)).runOnce(t.Context()))
		s.wantsMade(second, again)
	})

	t.Run("LeavesAloneWhatItMadeAndFailedMeanwhile", func(t *testing.T) {
		t.Parallel()
		s := newStage(t)
		ep := s.endpoint()
		event := s.published(now, "a.b", "{}", ep)
		id := s.replay(ep)
		s.exec(`CREATE FUNCTION fail() RETURNS trigger LANGUAGE plpgsql AS
			$$ BEGIN NEW.status := 'failed'; NEW.next_attempt_at := NULL; NEW.completed_at := now(); RETURN NEW; END $$`)
		s.exec("CREATE TRIGGER fail BEFORE INSERT ON deliveries FOR EACH ROW EXECUTE FUNCTION fail()")
		for range 3 {
			s.exec("UPDATE replays SET status = 'running', finished_at = NULL") // as if a page had more rows
			must(t, s.replays(lanes(0)).runOnce(t.Context()))
		}
		if n := query[int](s, "SELECT count(*)::int FROM deliveries WHERE replay_id = $1 AND event_id = $2", uuid(id), uuid(event)); n != 1 {
			t.Errorf("it made %d deliveries of one that failed", n)
		}
	})

	t.Run("TakesTypesAndStatuses", func(t *testing.T) {
		t.Parallel()
		s := newStage(t)
		ep := s.endpoint()
		s.published(now, "a.b", "{}", ep)
		wanted := s.published(now, "a.c", "{}", ep)
		s.exec("UPDATE deliveries SET status = 'canceled' WHERE event_id = $1", uuid(wanted))
		id := s.replay(ep, func(r *webhook.Replay) {
			r.Types, r.Statuses = []string{"a.c"}, []webhook.Status{webhook.StatusCanceled, webhook.StatusSuccess}
		})
		must(t, s.replays(lanes(0)).runOnce(t.Context()))
		s.wantsMade(id, wanted)
	})

	t.Run("FindsWhatIsMissing", func(t *testing.T) {
		t.Parallel()
		s := newStage(t)
		ep := s.endpoint()
		s.exec(`UPDATE endpoints SET events = '{a.*}', filters = '{"n":1}' WHERE id = $1`, uuid(ep))
		missed := s.published(now, "a.b", `{"n":1}`)
		s.published(now, "a.b", `{"n":2}`)
		s.published(now, "b.b", `{"n":1}`)
		s.published(now, "a.b", `{"n":1}`, ep)
		id := s.replay(ep, func(r *webhook.Replay) { r.Statuses = []webhook.Status{webhook.StatusMissing} })
		must(t, s.replays(lanes(0)).runOnce(t.Context()))
		s.wantsMade(id, missed)
	})

	t.Run("GoesOnWhereAKillLeftIt", func(t *testing.T) {
		t.Parallel()
		s := newStage(t)
		ep := s.endpoint()
		s.manyFailed(ep, 1200)
		id := s.replay(ep)
		store := postgres.NewReplays(s.db)
		n, err := store.Step(t.Context(), id, wants) // and then it is killed
		must(t, err)
		s.stands(id, fmt.Sprintf("running %d/1200", n))
		if n != 500 {
			t.Errorf("a step made %d", n)
		}
		must(t, s.replays(lanes(0)).runOnce(t.Context()))
		s.stands(id, "done 1200/1200")
		if events := query[int](s, "SELECT count(DISTINCT event_id) FROM deliveries WHERE replay_id = $1", uuid(id)); events != 1200 {
			t.Errorf("%d of 1200 events", events)
		}
	})

	t.Run("TwoSchedulersMakeEachOnce", func(t *testing.T) {
		t.Parallel()
		s := newStage(t)
		ep := s.endpoint()
		s.manyFailed(ep, 1200)
		id := s.replay(ep)
		done := make(chan error)
		for range 2 {
			go func() { done <- s.replays(lanes(0)).runOnce(context.Background()) }()
		}
		must(t, errors.Join(<-done, <-done))
		must(t, s.replays(lanes(0)).runOnce(t.Context()))
		s.stands(id, "done 1200/1200")
	})

	t.Run("WaitsWhileTheBulkLaneIsFull", func(t *testing.T) {
		t.Parallel()
		s := newStage(t)
		ep := s.endpoint()
		s.published(now, "a.b", "{}", ep)
		id := s.replay(ep)
		must(t, s.replays(lanes(replayAhead)).runOnce(t.Context()))
		s.stands(id, "running 0/1")
		must(t, s.replays(lanes(replayAhead-1)).runOnce(t.Context()))
		s.stands(id, "done 1/1")
	})

	t.Run("StopsWhenItIsCanceledOrItsEndpointDeleted", func(t *testing.T) {
		t.Parallel()
		s := newStage(t)
		ep, gone := s.endpoint(), s.endpoint()
		s.published(now, "a.b", "{}", ep, gone)
		canceled, orphan := s.replay(ep), s.replay(gone)
		_, err := postgres.NewReplays(s.db).Cancel(t.Context(), "w", canceled)
		must(t, err)
		s.exec("UPDATE endpoints SET deleted_at = now() WHERE id = $1", uuid(gone))
		must(t, s.replays(lanes(0)).runOnce(t.Context()))
		for _, id := range []webhook.ID{canceled, orphan} {
			s.stands(id, "canceled 0/1")
			s.wantsMade(id)
		}
	})

	t.Run("MakesChosenOnesOnceHoweverOftenItIsKilled", func(t *testing.T) {
		t.Parallel()
		s := newStage(t)
		ep := s.endpoint()
		s.manyFailed(ep, 60)
		id := s.chosen(query[[]string](s, "SELECT array_agg(id::text ORDER BY id) FROM deliveries"))
		store := postgres.NewReplays(s.db)
		n, err := store.Step(t.Context(), id, wants) // and then it is killed
		must(t, err)
		s.stands(id, fmt.Sprintf("running %d/60", n))
		if n == 0 || n == 60 {
			t.Errorf("a step made %d", n)
		}
		s.exec(`CREATE FUNCTION no() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE 'no'; END $$;
			CREATE CONSTRAINT TRIGGER no AFTER UPDATE ON replays DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION no()`)
		if _, err := store.Step(t.Context(), id, wants); err == nil { // killed before it commits
			t.Fatal("it committed")
		}
		s.exec("DROP TRIGGER no ON replays")
		done := make(chan error)
		for range 2 {
			go func() { done <- s.replays(lanes(0)).runOnce(context.Background()) }()
		}
		must(t, errors.Join(<-done, <-done))
		must(t, s.replays(lanes(0)).runOnce(t.Context()))
		s.stands(id, "done 60/60")
		if events := query[int](s, "SELECT count(DISTINCT event_id) FROM deliveries WHERE replay_id = $1", uuid(id)); events != 60 {
			t.Errorf("%d of 60 events", events)
		}
		if made := query[int](s, "SELECT count(*) FROM deliveries WHERE replay_id = $1 AND bulk AND endpoint_id = $2", uuid(id), uuid(ep)); made != 60 {
			t.Errorf("%d deliveries", made)
		}
	})

	t.Run("LeavesOutChosenOnesThatCanNotBeMadeByThen", func(t *testing.T) {
		t.Parallel()
		s := newStage(t)
		ep, gone := s.endpoint(), s.endpoint()
		wanted, retried, bare, orphan := s.published(now, "a.b", "{}", ep), s.published(now, "a.b", "{}", ep), s.published(now, "a.b", "{}", ep), s.published(now, "a.b", "{}", gone)
		s.published(now, "a.b", "{}", ep) // was not chosen
		id := s.chosen(query[[]string](s, "SELECT array_agg(id::text ORDER BY id) FROM deliveries WHERE event_id = ANY($1::uuid[])", []string{uuid(wanted), uuid(retried), uuid(bare), uuid(orphan)}))
		s.exec("UPDATE deliveries SET status = 'pending', next_attempt_at = now(), completed_at = NULL WHERE event_id = $1", uuid(retried))
		s.exec("UPDATE events SET body = NULL WHERE id = $1", uuid(bare))
		s.exec("UPDATE endpoints SET deleted_at = now() WHERE id = $1", uuid(gone))
		must(t, s.replays(lanes(0)).runOnce(t.Context()))
		s.stands(id, "done 1/4")
		s.wantsMade(id, wanted)
	})

	t.Run("OfNoneIsDone", func(t *testing.T) {
		t.Parallel()
		s := newStage(t)
		id := s.chosen([]string{})
		must(t, s.replays(lanes(0)).runOnce(t.Context()))
		s.stands(id, "done 0/0")
	})

	t.Run("OneThatFailsDoesNotStopTheOthers", func(t *testing.T) {
		t.Parallel()
		s := newStage(t)
		bad, good := s.endpoint(), s.endpoint()
		s.published(now, "a.b", "{}", good)
		s.exec(`UPDATE endpoints SET filters = '{"n":{"$nonsense":1}}' WHERE id = $1`, uuid(bad))
		s.replay(bad, func(r *webhook.Replay) { r.Statuses = []webhook.Status{webhook.StatusMissing} })
		id := s.replay(good)
		if err := s.replays(lanes(0)).runOnce(t.Context()); err == nil {
			t.Error("the failure is not reported")
		}
		s.stands(id, "done 1/1")
	})

	t.Run("EndedOnesAreForgottenWithTheirDeliveries", func(t *testing.T) {
		t.Parallel()
		s := newStage(t)
		ep := s.endpoint()
		old := func(r *webhook.Replay) { r.ID = webhook.NewID(now.Add(-2 * time.Hour)) }
		running, ended, young := s.replay(ep, old), s.replay(ep, old), s.replay(ep)
		s.exec("UPDATE replays SET status = 'done', finished_at = now() WHERE id IN ($1, $2)", uuid(ended), uuid(young))
		must(t, s.replays(lanes(0)).forget(t.Context()))
		left := query[[]string](s, "SELECT array_agg(id::text ORDER BY id) FROM replays")
		if !slices.Equal(left, []string{uuid(running), uuid(young)}) {
			t.Errorf("left are %v, want %s and %s", left, running, young)
		}
	})
}

// manyFailed inserts n events of today that failed at the endpoint, some of them
// in one millisecond.
func (s *stage) manyFailed(endpoint webhook.ID, n int) {
	s.t.Helper()
	first := webhook.FirstID(time.Now().Add(-time.Minute))
	const id = "(substr($1::text, 1, 24) || lpad(to_hex(i), 12, '0'))::uuid"
	s.exec(`INSERT INTO events (id, workspace_id, type, created_at, body, deliveries)
		SELECT `+id+`, 'w', 'a.b', now(), '{}', 1 FROM generate_series(1, $2::int) i`, uuid(first), n)
	s.exec(`INSERT INTO deliveries (id, workspace_id, event_id, endpoint_id, event_type, status, completed_at)
		SELECT `+id+`, 'w', `+id+`, $3, 'a.b', 'failed', now() FROM generate_series(1, $2::int) i`, uuid(first), n, uuid(endpoint))
}
