package cli

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/postrider/postrider/client"
)

func newQueues() *cobra.Command {
	return &cobra.Command{
		Use: "queues", Short: "Show what waits in Redis and which workers take it; needs the admin key", Args: cobra.NoArgs,
		Long: "Shows what waits in Redis and which workers take it; needs the admin key. The figures are tasks: one carries up to 50 first attempts, or one retry. " +
			"What is in Postgres alone, such as a delivery that is held, is not in them.",
		RunE: connected(func(ctx context.Context, s *session, _ []string) error {
			q, err := s.api.Queues.Get(ctx)
			if err != nil {
				return err
			}
			return s.showQueues(&q)
		}),
	}
}

func (s *session) showQueues(q *client.Queues) error {
	if s.out.json {
		return s.out.one()
	}
	t := newTable(s.out.w)
	t.row("QUEUE", "PENDING", "OLDEST", "ACTIVE", "SCHEDULED", "RETRY")
	for _, l := range q.Queues {
		t.row(string(l.Name), digits(l.Pending), oldest(l), digits(l.Active), digits(l.Scheduled), digits(l.Retry))
	}
	t.row("")
	t.row("WORKER", "SINCE", "RUNNING")
	for _, w := range q.Workers {
		t.row(fmt.Sprintf("%s (%d)", w.Host, w.PID), when(w.StartedAt), slotsOf(w))
	}
	if len(q.Workers) == 0 {
		t.row("none: nothing is delivered until one runs")
	}
	return t.Flush()
}

func digits(n int64) string { return strconv.FormatInt(n, 10) }

// oldest is how long the oldest task of a queue has waited.
func oldest(l client.QueueState) string {
	if l.Pending == 0 {
		return "-"
	}
	return (time.Duration(l.LatencyMS) * time.Millisecond).String()
}

func slotsOf(w client.QueueWorker) string {
	parts := make([]string, len(w.Queues))
	for i, l := range w.Queues {
		parts[i] = fmt.Sprintf("%s %d/%d", l.Name, l.Running, l.Slots)
	}
	return strings.Join(parts, " ")
}
