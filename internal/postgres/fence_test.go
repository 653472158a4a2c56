package postgres_test

import (
	"context"
	"slices"
	"testing"
	"time"

	"github.com/postrider/postrider/internal/postgres"
	"github.com/postrider/postrider/internal/webhook"
)

func TestGuard(t *testing.T) {
	t.Parallel()
	s := setup(t)
	held, later := s.pending(1, "c_1"), s.set(s.pending(0, "c_1"), "next_attempt_at = now() + interval '1 hour', attempts = 3, schedule_start = 1")
	ended := s.set(s.pending(2, ""), isSuccess)
	unknown := webhook.Member{DeliveryID: webhook.NewID(time.Now()), WorkspaceID: "w"}
	foreign := held
	foreign.WorkspaceID = "other"
	s.exec("INSERT INTO endpoint_health (endpoint_id, workspace_id, failures, failing_since, open_until, probe_id) VALUES ($1, 'w', 20, now(), now() + interval '1 minute', $2)",
		pg(s.end), pg(held.DeliveryID))
	guard := func(members ...webhook.Member) webhook.Standings {
		t.Helper()
		got, err := s.deliver(s.db).Guard(t.Context(), members)
		must(t, err)
		return got
	}

	got := guard(held, later, ended, unknown)
	if len(got) != 3 {
		t.Errorf("%d of 3 that exist", len(got))
	}
	if st := got[held.DeliveryID]; st.Status != webhook.StatusPending || st.Task != "c_1" || st.DueIn > 0 || !st.EndpointActive ||
		st.EndpointDeleted || !st.BreakerOpen || st.OpenFor < 50*time.Second || st.ProbeID != held.DeliveryID || st.EndpointVersion != 1 {
		t.Errorf("the due one: %+v", st)
	}
	if st := got[later.DeliveryID]; st.Attempts != 3 || st.ScheduleStart != 1 || st.DueIn < 59*time.Minute || st.DueIn > time.Hour {
		t.Errorf("the later one: %+v", st)
	}
	if st := got[ended.DeliveryID]; st.Status != webhook.StatusSuccess || st.Task != "" || st.DueIn != 0 {
		t.Errorf("the ended one: %+v", st)
	}
	if got := guard(foreign); len(got) != 0 {
		t.Errorf("another workspace sees %v", got)
	}

	s.set(held, "next_attempt_at = now() + interval '1 hour'")
	if st := guard(held)[held.DeliveryID]; st.DueIn <= 0 {
		t.Errorf("early: %+v", st)
	}
	must(t, postgres.NewEndpoints(s.db).Delete(t.Context(), "w", s.end))
	if st := guard(ended)[ended.DeliveryID]; !st.EndpointDeleted || st.BreakerOpen {
		t.Errorf("of a deleted endpoint: %+v", st)
	}
}

// others are rows that a hand-over from "c_1" must leave as they are.
var others = map[string]string{
	"AnotherTasks": "task = 'c_10'", "Nobodys": "task = NULL", "Parked": isParked,
	"Success": isSuccess, "Failed": isFailed, "Canceled": isCanceled,
}

// compareAndSet checks that act changes what "c_1" holds, of several days, and
// nothing else.
func compareAndSet(t *testing.T, s *stage, act func([]webhook.Member), changed string) {
	t.Helper()
	mine := []webhook.Member{s.pending(0, "c_1"), s.pending(1, "c_1"), s.pending(3, "c_1")}
	bystander := s.pending(0, "c_1") // the same task's, but not named
	all, rows := slices.Clone(mine), map[string]string{}
	near := map[string]webhook.Member{"Bystander": bystander}
	for name, state := range others {
		near[name] = s.set(s.pending(0, "c_1"), state)
		all = append(all, near[name])
	}
	foreign := s.pending(0, "c_1")
	near["Foreign"] = foreign
	foreign.WorkspaceID = "other"
	all = append(all, foreign)
	for name, m := range near {
		rows[name] = s.row(m)
	}
	act(all)
	for _, m := range mine {
		s.wants(m, changed)
	}
	for name, m := range near {
		if is := s.row(m); is != rows[name] {
			t.Errorf("%s was %s and is %s", name, rows[name], is)
		}
	}
}

func TestHandOver(t *testing.T) {
	t.Parallel()
	s := setup(t)
	for to, changed := range map[string]string{"w_me": "task = 'w_me' AND attempts = 0", "": "task IS NULL AND NOT parked AND status = 'pending'"} {
		compareAndSet(t, s, func(all []webhook.Member) {
			moved, err := s.deliver(s.db).HandOver(context.Background(), all, "c_1", to)
			must(t, err)
			if len(moved) != 3 {
				t.Errorf("%d moved", len(moved))
			}
			for _, m := range all[:3] {
				if !slices.Contains(moved, m.DeliveryID) {
					t.Errorf("%s did not move", m.DeliveryID)
				}
			}
		}, changed)
	}
}

func TestPark(t *testing.T) {
	t.Parallel()
	park := func(s *stage, members []webhook.Member, d time.Duration) {
		s.t.Helper()
		var holds []webhook.Hold
		for _, m := range members {
			holds = append(holds, webhook.Hold{Delivery: m, Task: "c_1", Reason: webhook.HeldRateLimit, For: d})
		}
		must(s.t, s.deliver(s.db).Park(context.Background(), holds))
	}

	t.Run("TakesWhatItsTaskHolds", func(t *testing.T) {
		t.Parallel()
		s := setup(t)
		compareAndSet(t, s, func(all []webhook.Member) { park(s, all, time.Minute) },
			"parked AND task IS NULL AND held_reason = 'rate_limit' AND held_until > now() + interval '50 seconds' AND status = 'pending' AND next_attempt_at <= now()")
		s.holds("SELECT reason = 'rate_limit' AND release_count = 1 AND next_check_at > now() + interval '50 seconds' FROM parked_endpoints")
	})

	t.Run("HalvesWhatIsLetGoNext", func(t *testing.T) {
		t.Parallel()
		s := setup(t)
		for _, want := range []int{1, 8, 4, 2, 1, 1} {
			park(s, []webhook.Member{s.pending(0, "c_1")}, time.Millisecond)
			if want == 8 {
				s.exec("UPDATE parked_endpoints SET release_count = 8")
				continue
			}
			s.holds("SELECT release_count = $1 FROM parked_endpoints", want)
		}
	})

	t.Run("OfWhatEndsByAnActIsLookedAtSoon", func(t *testing.T) {
		t.Parallel()
		// The endpoint may have been enabled after the guard and before this: nothing
		// else would ever look.
		s := setup(t)
		m := s.pending(0, "c_1")
		park(s, []webhook.Member{m}, 0)
		s.wants(m, "parked AND held_until IS NULL")
		s.holds("SELECT next_check_at BETWEEN now() AND now() + interval '10 seconds' FROM parked_endpoints")
	})

	t.Run("IsTriedAgainInADeadlock", func(t *testing.T) {
		t.Parallel()
		s := setup(t)
		s.exec("CREATE SEQUENCE tries")
		s.exec(`CREATE FUNCTION conflict() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
			IF nextval('tries') <= 2 THEN RAISE EXCEPTION 'conflict' USING ERRCODE = '40P01'; END IF; RETURN NULL; END $$`)
		s.exec("CREATE TRIGGER conflict AFTER INSERT ON parked_endpoints FOR EACH STATEMENT EXECUTE FUNCTION conflict()")
		m := s.pending(0, "c_1")
		park(s, []webhook.Member{m}, time.Millisecond)
		s.wants(m, "parked")
	})
}

func TestSettle(t *testing.T) {
	t.Parallel()
	s := setup(t)
	compareAndSet(t, s, func(all []webhook.Member) {
		must(t, s.deliver(s.db).Settle(context.Background(), all, "c_1", webhook.StatusFailed, webhook.ReasonPayloadExpired))
	}, "status = 'failed' AND reason = 'payload_expired' AND task IS NULL AND next_attempt_at IS NULL AND completed_at IS NOT NULL AND attempts = 0")
}

func TestReleaseOfTasks(t *testing.T) {
	t.Parallel()
	s := setup(t)
	compareAndSet(t, s, func(all []webhook.Member) {
		must(t, postgres.NewFeed(s.db).Release(context.Background(), []webhook.Chunk{{Task: "c_1", Members: all}}))
	}, "task IS NULL AND status = 'pending' AND NOT parked AND next_attempt_at <= now()")
}
