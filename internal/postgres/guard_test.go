package postgres_test

import (
	"bytes"
	"maps"
	"math/rand/v2"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgtype"

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
	for day, busy := range map[string]bool{"OnABusyDay": true, "OnAnyDay": false} {
		for how, apart := range map[string]time.Duration{"SideBySide": time.Millisecond, "FarApart": 3 * time.Second} {
			t.Run(day+how, func(t *testing.T) {
				t.Parallel()
				l := newLineUp(t, busy)
				for n, state := range standings {
					l.compare(l.members(time.Now().Add(-time.Duration(n+1)*5*time.Minute), apart, state))
				}
			})
		}
	}
}

// Where many others lie between, a span is not read to its end: who is behind is asked
// about one by one.
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

func TestGuardSpansHaveAnEnd(t *testing.T) {
	t.Parallel()
	s := setup(t)
	var all []webhook.Member
	for range 10 {
		all = append(all, s.pending(0, "c_1"))
	}
	slices.SortFunc(all, func(a, b webhook.Member) int { return bytes.Compare(a.DeliveryID[:], b.DeliveryID[:]) })
	day := all[0].DeliveryID.Day()
	rows, err := dbsqlc.New(s.raw).GuardSpans(t.Context(), dbsqlc.GuardSpansParams{
		WorkspaceIds: []string{"w"}, Firsts: []pgtype.UUID{pg(all[0].DeliveryID)}, Lasts: []pgtype.UUID{pg(all[9].DeliveryID)}, Mosts: []int32{2},
		Lo: pg(webhook.FirstID(day)), Hi: pg(webhook.FirstID(day.AddDate(0, 0, 1))),
	})
	must(t, err)
	if len(rows) != 1 || len(rows[0].Ids) != 2*len(webhook.ID{}) {
		t.Errorf("of 2 rows at most it tells %v", rows)
	}
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
// of some endpoints none is in the state, of some all are, of some one is. Between them
// are those of another workspace, others that nobody asks about, and some that are asked
// about as if they were another workspace's. The last one does not exist.
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
			v, foreign := l.set(l.pendingAt(at, "c_3"), "workspace_id = 'v'"), l.pendingAt(at, "c_1")
			v.WorkspaceID, foreign.WorkspaceID = "v", "v"
			members = append(members, v, foreign)
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

// A plan that is kept was made while a table was small, or nothing was known of it.
func TestPlansThatAreKeptLookUp(t *testing.T) {
	t.Parallel()
	s := setup(t)
	s.pending(0, "c_1")
	versions := map[string][]string{dbsqlc.EndpointVersions: {"workspaces_pkey"}}
	s.keptPlansLookUp("of a few", versions)
	s.exec(`INSERT INTO endpoints SELECT (jsonb_populate_record(e, jsonb_build_object('id', gen_random_uuid()))).* FROM endpoints e, generate_series(1, 1000)`)
	s.exec("INSERT INTO workspaces (id, name) SELECT 'w' || n, '' FROM generate_series(1, 1000) n")
	s.fillToday(20_000)
	own := postgres.GuardStatements(time.Now().UTC().Truncate(24 * time.Hour)) // which small days have not
	const byKey, ofEndpoint = "_pkey on deliveries_p", "Index Cond: (id = d.endpoint_id)"
	guards := map[string][]string{
		own[0]: {byKey, "endpoints_pkey on endpoints", ofEndpoint},
		// In the key's order, so that it ends in time.
		own[1]: {"Limit", byKey, "(id >= ", "endpoints_pkey on endpoints", ofEndpoint},
	}
	for _, what := range []string{"of many", "of many that Postgres knows"} {
		s.keptPlansLookUp(what, versions)
		s.keptPlansLookUp(what, guards)
		s.exec("ANALYZE endpoints, deliveries, workspaces")
	}
}

// keptPlansLookUp wants these of each statement's plan, one after another.
func (s *stage) keptPlansLookUp(what string, all map[string][]string) {
	s.t.Helper()
	for statement, wanted := range all {
		plan := strings.Join(s.keptPlan(statement), "\n")
		rest := plan
		for _, line := range wanted {
			_, after, found := strings.Cut(rest, line)
			if !found {
				s.t.Errorf("%s: no %q in its place in\n%s", what, line, plan)
				break
			}
			rest = after
		}
	}
}

var parameter = regexp.MustCompile(`\$\d+`)

// keptPlan is the plan of every execution: EXPLAIN of a statement itself would know its
// parameters.
func (s *stage) keptPlan(statement string) []string {
	s.t.Helper()
	tx, err := s.raw.Begin(s.t.Context())
	must(s.t, err)
	_, err = tx.Exec(s.t.Context(), dbsqlc.PlanOnceByKeys)
	must(s.t, err)
	_, err = tx.Exec(s.t.Context(), "PREPARE kept AS "+statement)
	must(s.t, err)
	parameters := make(map[string]bool)
	for _, p := range parameter.FindAllString(statement, -1) {
		parameters[p] = true
	}
	rows, err := tx.Query(s.t.Context(), "EXPLAIN EXECUTE kept ("+strings.Join(slices.Repeat([]string{"NULL"}, len(parameters)), ", ")+")")
	must(s.t, err)
	plan, err := pgx.CollectRows(rows, pgx.RowTo[string])
	must(s.t, err)
	_, err = tx.Exec(s.t.Context(), "DEALLOCATE kept")
	must(s.t, err)
	must(s.t, tx.Rollback(s.t.Context()))
	return plan
}
