package postgres_test

import (
	"maps"
	"math/rand/v2"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/postrider/postrider/internal/postgres"
	"github.com/postrider/postrider/internal/postgres/internal/dbsqlc"
	"github.com/postrider/postrider/internal/webhook"
)

// standings of deliveries that a guard has to tell from due ones.
var standings = []string{
	"attempts = 2, schedule_start = 1", "attempts = 2", "next_attempt_at = now() + interval '1 hour'", "replay_id = gen_random_uuid()",
	"deliver_at = now() - interval '1 minute'", "task = 'c_2'", "task = NULL", "ordering_key = 'k', ordering_seq = 7", isParked, isSuccess, isFailed, isCanceled,
}

// Of many, those of an endpoint that stand alike are told in one row. What is said of
// each must be what is said of it by itself.
func TestGuardOfManySaysWhatItSaysOfEach(t *testing.T) {
	t.Parallel()
	for name, busy := range map[string]bool{"OnABusyDay": true, "OnAnyDay": false} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := setup(t)
			db := s.dbOf(busy)
			ends := []webhook.ID{s.end}
			for range 5 {
				ends = append(ends, s.endpoint("w").ID)
			}
			s.exec("UPDATE endpoints SET is_active = false, disabled_at = now(), disabled_reason = 'gone' WHERE id = $1", pg(ends[3]))
			must(t, postgres.NewEndpoints(s.db).Delete(t.Context(), "w", ends[4]))
			s.exec("INSERT INTO endpoint_health (endpoint_id, workspace_id, failures, failing_since, open_until) VALUES ($1, 'w', 20, now(), now() + interval '1 hour'), ($2, 'w', 2, now(), NULL)",
				pg(ends[5]), pg(ends[0]))
			for _, end := range ends { // before the seventh is another
				s.exec("INSERT INTO ordering_keys (endpoint_id, ordering_key, workspace_id, last_seq, head_seq, head_id) VALUES ($1, 'k', 'w', 7, 6, gen_random_uuid())", pg(end))
			}
			random := rand.New(rand.NewPCG(1, 2))
			for _, state := range standings {
				var members []webhook.Member
				for i, end := range ends {
					odd := i % 3 // none, all, or one of the endpoint's
					for n := range 1 + random.IntN(5) {
						m := s.pending(random.IntN(2), "c_1")
						m.EndpointID = end
						s.exec("UPDATE deliveries SET endpoint_id = $2 WHERE id = $1", pg(m.DeliveryID), pg(end))
						if odd == 1 || odd == 2 && n == 0 {
							s.set(m, state)
						}
						members = append(members, m)
					}
				}
				members = append(members, webhook.Member{DeliveryID: webhook.NewID(time.Now()), EndpointID: s.end, WorkspaceID: "w"})
				of := func(members ...webhook.Member) map[webhook.ID]webhook.Standing {
					got, err := s.deliver(db).Guard(t.Context(), members)
					must(t, err)
					for id, st := range got { // how long ago or until is another at each question
						st.DueIn, st.OpenFor = st.DueIn.Round(time.Hour), st.OpenFor.Round(time.Hour)
						got[id] = st
					}
					return got
				}
				each := make(map[webhook.ID]webhook.Standing)
				for _, m := range members {
					maps.Copy(each, of(m))
				}
				all := of(members...)
				if len(all) != len(each) {
					t.Errorf("%d of %d are known", len(all), len(each))
				}
				for id, want := range each {
					if got := all[id]; !reflect.DeepEqual(got, want) {
						t.Errorf("among others\n%+v, by itself\n%+v", got, want)
					}
				}
			}
		})
	}
}

// Endpoints are looked up for what stands alike, not the other way round: a workspace
// may have thousands.
func TestGuardLooksEndpointsUp(t *testing.T) {
	t.Parallel()
	s := setup(t)
	s.exec(`INSERT INTO endpoints SELECT (jsonb_populate_record(e, jsonb_build_object('id', gen_random_uuid()))).* FROM endpoints e, generate_series(1, 1000)`)
	m := s.pending(0, "c_1")
	s.fillToday(20_000)
	day := time.Now().UTC().Truncate(24 * time.Hour)
	lo, hi := webhook.FirstID(day), webhook.FirstID(day.AddDate(0, 0, 1))
	for _, analyzed := range []bool{false, true} {
		if analyzed {
			s.exec("ANALYZE endpoints, deliveries")
		}
		for _, statement := range []string{dbsqlc.GuardAlike, dbsqlc.GuardDeliveries} {
			tx, err := s.raw.Begin(t.Context())
			must(t, err)
			_, err = tx.Exec(t.Context(), dbsqlc.PlanOnceByKeys)
			must(t, err)
			plan := explain(t, tx.Conn(), statement, []any{[]string{"w"}, []any{pg(m.DeliveryID)}, pg(lo), pg(hi)})
			must(t, tx.Rollback(t.Context()))
			at := slices.IndexFunc(plan, func(line string) bool { return strings.Contains(line, " on endpoints ") })
			if at < 0 || !strings.Contains(plan[at], "endpoints_pkey") || !strings.Contains(plan[at+1], "Index Cond: (id = d.endpoint_id)") {
				t.Errorf("statistics: %v\n%s", analyzed, strings.Join(plan, "\n"))
			}
		}
	}
}
