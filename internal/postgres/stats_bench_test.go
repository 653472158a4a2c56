package postgres_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/postrider/postrider/internal/postgres"
	"github.com/postrider/postrider/internal/webhook"
)

// tallied fills a month with what a leader would have counted: hours, and the minutes
// of the last three, with so many ranges of times in each as a busy workspace has, or a
// quiet one.
func (s *stage) tallied(now time.Time, ranges int) {
	s.t.Helper()
	s.exec(`INSERT INTO stats_tallies (workspace_id, endpoint_id, start_minute, minutes, cells, counts, packed)
		SELECT 'w', '00000000-0000-0000-0000-000000000000', start, minutes, cells, counts, stats_pack(cells, counts)
		FROM (SELECT h * 60 AS start, 60 AS minutes FROM generate_series($1 / 60 - 721, $1 / 60 - 3) h
		      UNION ALL SELECT m, 1 FROM generate_series(($1 / 60 - 2) * 60, $1) m) u,
		     (SELECT array_agg(cell::smallint ORDER BY cell) AS cells, array_agg(1000 + cell ORDER BY cell) AS counts
		      FROM (SELECT 2 AS cell UNION SELECT 1000 + 40 + i FROM generate_series(1, $2 / 2) i UNION SELECT 2000 + 60 + i FROM generate_series(1, $2 / 2) i) c) c`,
		now.Unix()/60, ranges)
	s.rollUp()
	s.exec("VACUUM ANALYZE stats_tallies, stats_rollups, stats_unrolled")
}

// BenchmarkStatsOfMuch reads each window of a workspace with little and with much in each hour.
func BenchmarkStatsOfMuch(b *testing.B) {
	now := time.Now()
	for _, ranges := range []int{10, 250} {
		s := setup(b)
		s.tallied(now, ranges)
		stats := postgres.NewStats(s.db)
		for _, w := range webhook.StatsWindows() {
			b.Run(fmt.Sprintf("%s/%d", w.Name, ranges), func(b *testing.B) {
				for b.Loop() {
					st, err := stats.Stats(b.Context(), "w", webhook.ID{}, w, now)
					must(b, err)
					total := st.Total()
					for _, q := range []float64{0.5, 0.95, 0.99} {
						if _, ok := total.Duration(q); !ok {
							b.Fatal("nothing measured")
						}
						total.Latency(q)
					}
					for i := range st.Parts {
						st.Parts[i].Tally.Duration(0.95)
					}
				}
			})
		}
	}
}
