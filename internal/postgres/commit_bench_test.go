package postgres_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/postrider/postrider/internal/postgres"
)

// BenchmarkCommit is a group commit: the events of that many requests with their
// deliveries in one transaction, and what an event costs of it.
func BenchmarkCommit(b *testing.B) {
	for _, shape := range [][2]int{{1, 1}, {60, 1}, {60, 10}} {
		b.Run(fmt.Sprintf("%dEventsTo%d", shape[0], shape[1]), func(b *testing.B) {
			s := setup(b)
			ingest := postgres.NewIngest(s.db)
			for b.Loop() {
				g, _ := s.group(time.Now(), shape[0], shape[1])
				if _, err := ingest.Commit(b.Context(), g); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(b.Elapsed().Microseconds())/float64(b.N*shape[0]), "µs/event")
		})
	}
}
