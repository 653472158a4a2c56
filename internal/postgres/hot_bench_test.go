package postgres_test

import (
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/postrider/postrider/internal/postgres"
	"github.com/postrider/postrider/internal/webhook"
)

// BenchmarkBusyDay measures the CPU time that a delivery costs Postgres's process, by
// whose tables the statements name. Of many groups it tells the tenth percentile: what
// it takes where nothing else of the machine's is in the way.
func BenchmarkBusyDay(b *testing.B) {
	for name, from := range map[string]int64{"OwnTables": 0, "AllDays": 1 << 60} {
		for _, shape := range [][2]int{{60, 1}, {60, 10}} {
			b.Run(fmt.Sprintf("%s/%dEventsTo%d", name, shape[0], shape[1]), func(b *testing.B) { newBill(b, from).groups(shape[0], shape[1]) })
		}
	}
}

// bill is what groups cost a database's only connection.
type bill struct {
	*stage
	b     *testing.B
	db    *postgres.DB
	pid   int
	costs map[string][]float64 // µs a delivery
}

func newBill(b *testing.B, from int64) *bill {
	b.Helper()
	s := setup(b)
	db, err := postgres.Open(b.Context(), postgres.Config{URL: s.url, MaxConns: 1})
	must(b, err)
	b.Cleanup(db.Close)
	db.NameDaysFrom(from)
	s.fillToday(60_000)
	s.exec("ANALYZE deliveries")
	return &bill{stage: s, b: b, db: db, pid: db.BackendPID(b.Context()), costs: map[string][]float64{}}
}

// groups accepts, guards and records a group each time.
func (l *bill) groups(events, fanout int) {
	headers := slices.Repeat([]webhook.Header{{Name: "X-Webhook-Something", Value: strings.Repeat("v", 30)}}, 11)
	for l.b.Loop() {
		now := time.Now()
		g, members := l.group(now, events, fanout)
		l.charge("insert", len(members), func() error {
			_, err := postgres.NewIngest(l.db).Commit(l.b.Context(), g)
			return err
		})
		l.charge("guard", len(members), func() error {
			for chunk := range slices.Chunk(members, webhook.MaxChunkMembers) {
				if _, err := l.deliver(l.db).Guard(l.b.Context(), chunk); err != nil {
					return err
				}
			}
			return nil
		})
		outcomes := make([]webhook.Outcome, len(members))
		for i, m := range members {
			outcomes[i] = outcome(m, "c_1", 0, 200)
			outcomes[i].Attempt.RequestHeaders, outcomes[i].Attempt.ResponseHeaders = headers, headers[:2]
		}
		l.charge("record", len(members), func() error {
			for chunk := range slices.Chunk(outcomes, 512) {
				if _, err := l.deliver(l.db).Record(l.b.Context(), chunk); err != nil {
					return err
				}
			}
			return nil
		})
	}
	for what, costs := range l.costs {
		slices.Sort(costs)
		l.b.ReportMetric(costs[len(costs)/10], what+"-µs/delivery")
	}
}

func (l *bill) charge(what string, deliveries int, do func() error) {
	before := l.used()
	must(l.b, do())
	<-time.After(200 * time.Microsecond) // its time is told once it waits again
	l.costs[what] = append(l.costs[what], float64(l.used()-before)/1000/float64(deliveries))
}

// used is in nanoseconds; only Linux tells.
func (l *bill) used() int64 {
	raw, err := os.ReadFile(fmt.Sprintf("/proc/%d/schedstat", l.pid))
	if err != nil {
		l.b.Skip(err)
	}
	n, err := strconv.ParseInt(strings.Fields(string(raw))[0], 10, 64)
	must(l.b, err)
	return n
}
