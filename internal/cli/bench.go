package cli

import (
	"context"
	"fmt"
	"time"

	"github.com/spf13/cobra"
)

// benching is what bench is told.
type benching struct {
	events, concurrency, batch, size int
	rate                             float64
	duration                         time.Duration
	eventType                        string
	receiver                         bool
}

// What bench does at most, whatever it is told: it is for a look, not for a load test.
const (
	mostEvents      = 100_000
	mostConcurrency = 256
	mostBenchTime   = 10 * time.Minute
	mostEventSize   = 64 << 10
)

func newBench() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "bench",
		Short: "Publish many events and measure how fast they are accepted; this is traffic in that workspace",
		Long: `Publish events at a rate, or as fast as they are accepted, and print how many a
second were accepted and how long that took. It ends by itself.

These are events like all others: they are stored, and whoever subscribes to their
type gets them. With --receiver an endpoint for them is made, at a receiver in this
process on 127.0.0.1, and deleted at the end: then deliveries are measured, too. The
deployment has to be on this machine, and egress.allow has to allow 127.0.0.0/8.`,
		Example: `  postrider bench --events 2000 --concurrency 16
  postrider bench --rate 50 --duration 30s --receiver`,
		Args: cobra.NoArgs,
	}
	b := benching{}
	f := cmd.Flags()
	f.IntVar(&b.events, "events", 1000, fmt.Sprintf("how many at most, up to %d", mostEvents))
	f.DurationVar(&b.duration, "duration", time.Minute, fmt.Sprintf("for how long at most, up to %s", shortly(mostBenchTime)))
	f.Float64Var(&b.rate, "rate", 0, "events a second at most (default as fast as they are accepted)")
	f.IntVar(&b.concurrency, "concurrency", 8, fmt.Sprintf("requests at once, up to %d", mostConcurrency))
	f.IntVar(&b.batch, "batch", 1, "events in a request, up to 1000")
	f.IntVar(&b.size, "size", 200, fmt.Sprintf("`bytes` of an event's data, up to %d", mostEventSize))
	f.StringVar(&b.eventType, "type", "postrider.bench", "the events' `type`")
	f.BoolVar(&b.receiver, "receiver", false, "measure deliveries, too, at a receiver in this process")
	cmd.RunE = connected(func(ctx context.Context, s *session, _ []string) error {
		if err := b.check(); err != nil {
			return err
		}
		return b.run(ctx, s)
	})
	return cmd
}

func (b *benching) check() error {
	for _, bound := range []struct {
		flag        string
		value, most int
	}{
		{"events", b.events, mostEvents}, {"concurrency", b.concurrency, mostConcurrency}, {"batch", b.batch, 1000}, {"size", b.size, mostEventSize},
	} {
		if bound.value < 1 || bound.value > bound.most {
			return usageError(fmt.Sprintf("--%s is 1 to %d", bound.flag, bound.most))
		}
	}
	if b.duration <= 0 || b.duration > mostBenchTime {
		return usageError(fmt.Sprintf("--duration is up to %s", shortly(mostBenchTime)))
	}
	if b.rate < 0 {
		return usageError("--rate is more than 0")
	}
	return nil
}

func (b *benching) run(ctx context.Context, s *session) error {
	where := "the workspace of this key"
	if s.target.workspace != "" {
		where = "workspace " + s.target.workspace
	}
	s.note("This publishes up to %d events of type %s to %s at %s, for %s at most. They are real ones: stored, and delivered to whoever subscribes.",
		b.events, b.eventType, where, s.target.url, shortly(b.duration))
	var arrived *benchReceiver
	if b.receiver {
		var err error
		if arrived, err = newBenchReceiver(ctx, s, b.eventType); err != nil {
			return err
		}
		defer arrived.close(s)
	}
	report, err := b.publish(ctx, s.target)
	if arrived != nil && err == nil {
		report.Delivered = arrived.wait(ctx, report.ids)
	}
	if shown := s.showBench(report); err == nil {
		err = shown
	}
	return err
}

func (s *session) showBench(r benchReport) error {
	if s.out.json {
		return s.out.value(r)
	}
	fields := []field{
		{"accepted", fmt.Sprintf("%d in %.1f s", r.Accepted, r.Seconds)}, {"rate", fmt.Sprintf("%.0f events a second", r.PerSecond)},
		{"requests took", r.RequestMS.String()}, {"refused", some(r.Refused)}, {"first refusal", r.Refusal},
	}
	if d := r.Delivered; d != nil {
		fields = append(fields, field{"delivered", fmt.Sprintf("%d of %d", d.Events, r.Accepted)}, field{"from publishing to arrival", d.LatencyMS.String()})
	}
	return s.out.fields(fields...)
}

func some(n int) string {
	if n == 0 {
		return ""
	}
	return fmt.Sprint(n)
}
