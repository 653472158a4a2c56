package recovery

import (
	"context"
	"slices"
	"time"
)

const day = 24 * time.Hour

// partitions makes the days to come.
type partitions struct {
	store   PartitionStore
	ahead   int
	now     func() time.Time
	metrics metrics
}

// runOnce makes yesterday's, today's and the next days' partitions: yesterday's,
// because the clock of a process that accepts events may be behind.
func (p *partitions) runOnce(ctx context.Context) error {
	today := p.now().UTC().Truncate(day)
	err := p.store.EnsurePartitions(ctx, today.Add(-day), p.ahead+2)
	days, listErr := p.store.PartitionDays(ctx)
	if listErr == nil {
		p.metrics.daysAhead.Set(float64(daysAhead(days, today)))
	}
	if err != nil {
		return err
	}
	return listErr
}

// daysAhead is how many days after today have their partitions, without a gap.
func daysAhead(days []time.Time, today time.Time) int {
	n := 0
	for slices.ContainsFunc(days, today.Add(time.Duration(n+1)*day).Equal) {
		n++
	}
	return n
}
