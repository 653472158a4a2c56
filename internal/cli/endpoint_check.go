package cli

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"github.com/postrider/postrider/client"
)

func newEndpointsTest() *cobra.Command {
	cmd := &cobra.Command{
		Use: "test ENDPOINT [JSON|-|@FILE]", Short: "Send one signed request now; it counts as no event and is never retried",
		Args: cobra.RangeArgs(1, 2), ValidArgsFunction: first(endpointIDs),
	}
	eventType := cmd.Flags().String("type", "", "what X-Webhook-Event says (default webhook.test)")
	_ = cmd.RegisterFlagCompletionFunc("type", completing(eventTypes))
	cmd.RunE = connected(func(ctx context.Context, s *session, args []string) error {
		var in client.TestInput
		if *eventType != "" {
			in.Type = eventType
		}
		if len(args) == 2 {
			data, err := argument(s.in, args[1])
			if err != nil {
				return err
			}
			in.Data = data
		}
		r, err := s.api.Endpoints.Test(ctx, args[0], in)
		if err != nil {
			return err
		}
		return s.showTest(r)
	})
	return cmd
}

func (s *session) showTest(r client.TestResult) error {
	word := "the receiver took it"
	if !r.Success {
		word = "it failed"
	}
	err := s.out.one(field{"result", word}, field{"status", number(r.StatusCode)}, field{"took", fmt.Sprintf("%d ms", r.DurationMS)},
		field{"error", failure(r.Error, r.ErrorClass, r.StatusCode)}, field{"what to do", advised(r.ErrorClass, r.StatusCode).Do}, field{"answer", answerBody(r.ResponseBody)})
	if err == nil && !r.Success {
		return errSaid
	}
	return err
}

func diagnose(ctx context.Context, s *session, id string) error {
	d, err := s.api.Endpoints.Diagnose(ctx, id)
	if err != nil {
		return err
	}
	if s.out.json {
		err = s.out.raw(s.out.wire.body)
	} else {
		t := newTable(s.out.w)
		for _, step := range d.Steps {
			t.row(string(step.Status), string(step.Name), step.Detail)
		}
		err = t.Flush()
	}
	if err == nil && !d.OK {
		return errSaid
	}
	return err
}

func newEndpointsStats() *cobra.Command {
	cmd := &cobra.Command{
		Use: "stats [ENDPOINT]", Short: "Count deliveries: of an endpoint, or of the whole workspace",
		Args: cobra.MaximumNArgs(1), ValidArgsFunction: first(endpointIDs),
	}
	window := cmd.Flags().String("window", "24h", "up to now: 1h, 24h, 7d or 30d")
	_ = cmd.RegisterFlagCompletionFunc("window", cobra.FixedCompletions([]string{"1h", "24h", "7d", "30d"}, cobra.ShellCompDirectiveNoFileComp))
	cmd.RunE = connected(func(ctx context.Context, s *session, args []string) error {
		if len(args) == 1 {
			return s.showStats(s.api.Endpoints.Stats(ctx, args[0], client.Window(*window)))
		}
		return s.showStats(s.api.Stats.Get(ctx, client.Window(*window)))
	})
	return cmd
}

func (s *session) showStats(st client.Stats, err error) error {
	if err != nil {
		return err
	}
	rate := ""
	if st.SuccessRate != nil {
		rate = strconv.FormatFloat(100**st.SuccessRate, 'f', 2, 64) + " %"
	}
	var failures []string
	for _, class := range slices.Sorted(maps.Keys(st.Errors)) {
		if n := st.Errors[class]; n > 0 {
			failures = append(failures, fmt.Sprintf("%s %d", class, n))
		}
	}
	d := st.Deliveries
	return s.out.one(
		field{"accepted", when(st.From) + " to " + when(st.To)}, field{"deliveries", strconv.FormatInt(d.Total, 10)},
		field{"  success", strconv.FormatInt(d.Success, 10)}, field{"  pending", strconv.FormatInt(d.Pending, 10)},
		field{"  failed", strconv.FormatInt(d.Failed, 10)}, field{"  canceled", strconv.FormatInt(d.Canceled, 10)},
		field{"success rate", rate}, field{"attempts", strconv.FormatInt(st.Attempts, 10)},
		field{"attempts took", quantiles(st.DurationMS)}, field{"until success", quantiles(st.LatencyMS)},
		field{"failed attempts", strings.Join(failures, ", ")}, field{"counted up to", when(st.AsOf)})
}

func quantiles(q client.Quantiles) string {
	if q.P50 == nil || q.P95 == nil || q.P99 == nil {
		return ""
	}
	return fmt.Sprintf("p50 %.0f ms, p95 %.0f ms, p99 %.0f ms", *q.P50, *q.P95, *q.P99)
}
