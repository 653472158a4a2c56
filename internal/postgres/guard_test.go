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

// Of many, those that are ready are told of by spans of ids. What is said of each must be
// what is said of it by itself, whatever lies between them.
func TestGuardOfManySaysWhatItSaysOfEach(t *testing.T) {
	t.Parallel()
	for name, busy := range map[string]bool{"OnABusyDay": true, "OnAnyDay": false} {
		for name2, apart := range map[string]time.Duration{"SideBySide": time.Millisecond, "FarApart": 3 * time.Second} {
			t.Run(name+name2, func(t *testing.T) {
				t.Parallel()
				l := newLineUp(t, busy)
				for n, state := range standings {
					l.compare(l.members(time.Now().Add(-time.Duration(n+1)*5*time.Minute), apart, state))
				}
			})
		}
	}
}

// Where many others lie between, a span is not read to its end.
func TestGuardOfManyAmongManyOthers(t *testing.T) {
	t.Parallel()
	l := newLineUp(t, true)
	began := time.Now().Add(-time.Hour)
	members := l.members(began, time.Millisecond, "attempts = 1")
	for n := range 40 * len(members) {
		l.pendingAt(began.Add(time.Duration(n%len(members))*time.Millisecond), "c_3")
	}
	l.compare(members)
}

// lineUp has endpoints that are and that are not ready.
type lineUp struct {
	*stage
	db     *postgres.DB
	ends   []webhook.ID
	random *rand.Rand
}

func newLineUp(t *testing.T, busy bool) *lineUp {
	t.Helper()
	s := setup(t)
	l := &lineUp{stage: s, db: s.dbOf(busy), ends: []webhook.ID{s.end}, random: rand.New(rand.NewPCG(1, 2))}
	for range 5 {
		l.ends = append(l.ends, s.endpoint("w").ID)
	}
	s.exec("UPDATE endpoints SET is_active = false, disabled_at = now(), disabled_reason = 'gone' WHERE id = $1", pg(l.ends[3]))
	must(t, postgres.NewEndpoints(s.db).Delete(t.Context(), "w", l.ends[4]))
	s.exec("INSERT INTO endpoint_health (endpoint_id, workspace_id, failures, failing_since, open_until) VALUES ($1, 'w', 20, now(), now() + interval '1 hour'), ($2, 'w', 2, now(), NULL)",
		pg(l.ends[5]), pg(l.ends[0]))
	for _, end := range l.ends { // before the seventh is another
		s.exec("INSERT INTO ordering_keys (endpoint_id, ordering_key, workspace_id, last_seq, head_seq, head_id) VALUES ($1, 'k', 'w', 7, 6, gen_random_uuid())", pg(end))
	}
	return l
}

// members are deliveries of today and yesterday, one accepted so long after another:
// of some endpoints none is in the state, of some all are, of some one is. Those of
// another workspace and of another task are between them.
func (l *lineUp) members(began time.Time, apart time.Duration, state string) (members []webhook.Member) {
	l.t.Helper()
	for i, end := range l.ends {
		odd := i % 3 // none, all, or one of the endpoint's
		for n := range 1 + l.random.IntN(5) {
			at := began.AddDate(0, 0, -l.random.IntN(2)).Add(time.Duration(len(members)) * apart)
			m := l.pendingAt(at, "c_1")
			m.EndpointID = end
			l.exec("UPDATE deliveries SET endpoint_id = $2 WHERE id = $1", pg(m.DeliveryID), pg(end))
			if odd == 1 || odd == 2 && n == 0 {
				l.set(m, state)
			}
			members = append(members, m)
			l.pendingAt(at, "c_1")
			l.set(l.pendingAt(at, "c_3"), "workspace_id = 'v'")
		}
	}
	return append(members, webhook.Member{DeliveryID: webhook.NewID(began), EndpointID: l.end, WorkspaceID: "w"})
}

func (l *lineUp) compare(members []webhook.Member) {
	l.t.Helper()
	of := func(members ...webhook.Member) webhook.Standings {
		got, err := l.deliver(l.db).Guard(l.t.Context(), members)
		must(l.t, err)
		for _, st := range got { // how long ago or until is another at each question
			st.DueIn, st.OpenFor = st.DueIn.Round(time.Hour), st.OpenFor.Round(time.Hour)
		}
		return got
	}
	each := make(webhook.Standings)
	for _, m := range members {
		maps.Copy(each, of(m))
	}
	all := of(members...)
	if len(all) != len(each) {
		l.t.Errorf("%d of %d are known", len(all), len(each))
	}
	for id, want := range each {
		if got := all[id]; !reflect.DeepEqual(got, want) {
			l.t.Errorf("among others\n%+v, by itself\n%+v", got, want)
		}
	}
}

// Endpoints are looked up for what is ready, not the other way round: a workspace may
// have thousands. And a span is a range of the key's.
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
		for statement, asked := range map[string][]any{
			dbsqlc.GuardDeliveries: {[]string{"w"}, []any{pg(m.DeliveryID)}, pg(lo), pg(hi)},
			dbsqlc.GuardSpans:      {[]string{"w"}, []any{pg(m.DeliveryID)}, []any{pg(m.DeliveryID)}, []int32{4}, pg(lo), pg(hi)},
		} {
			tx, err := s.raw.Begin(t.Context())
			must(t, err)
			_, err = tx.Exec(t.Context(), dbsqlc.PlanOnceByKeys)
			must(t, err)
			plan := explain(t, tx.Conn(), statement, asked)
			must(t, tx.Rollback(t.Context()))
			at := slices.IndexFunc(plan, func(line string) bool { return strings.Contains(line, " on endpoints ") })
			if at < 0 || !strings.Contains(plan[at], "endpoints_pkey") || !strings.Contains(plan[at+1], "Index Cond: (id = d.endpoint_id)") {
				t.Errorf("statistics: %v\n%s", analyzed, strings.Join(plan, "\n"))
			}
		}
	}
}
