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

// replaying is what the flags of replay say.
type replaying struct {
	since, until            string
	statuses, types         []string
	deliveries              []string
	missing, dryRun, detach bool
	watch, cancel, list     bool
}

func newReplay() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "replay ENDPOINT --since TIME | --delivery DELIVERY,… | --watch REPLAY | --cancel REPLAY | --list",
		Short: "Deliver an endpoint's stored events again, and watch it happen",
		Long: `Deliver an endpoint's stored events again: those whose last delivery failed, or what
--status and --missing say. With --delivery these deliveries are made again, whatever
became of them. It is a job of the deployment: Ctrl-C stops the watching, not the replay.`,
		Example: `  postrider replay ep_… --since 24h --dry-run
  postrider replay ep_… --since 2026-01-31 --status failed,canceled --type post.created
  postrider replay ep_… --since 7d --missing
  postrider replay --delivery dlv_…,dlv_…
  postrider replay --watch rpl_…`,
		Args: cobra.MaximumNArgs(1), ValidArgsFunction: replayArgument,
	}
	var r replaying
	f := cmd.Flags()
	f.StringVar(&r.since, "since", "", "accepted since this `time`, or so long ago (30m, 24h, 7d)")
	f.StringVar(&r.until, "until", "", "accepted before this `time`, or so long ago (default now)")
	f.StringSliceVar(&r.statuses, "status", nil, "events whose last delivery is failed, canceled or success (default failed)")
	f.StringSliceVar(&r.types, "type", nil, "these event `types` only, exactly")
	f.StringSliceVar(&r.deliveries, "delivery", nil, "these `deliveries`, at most 250, each to its own endpoint")
	f.BoolVar(&r.missing, "missing", false, "events that made no delivery to it, as while it was disabled")
	f.BoolVar(&r.dryRun, "dry-run", false, "only count them")
	f.BoolVar(&r.detach, "detach", false, "do not watch it")
	f.BoolVar(&r.watch, "watch", false, "watch a replay that is under way")
	f.BoolVar(&r.cancel, "cancel", false, "stop a replay; the deliveries that it made go on")
	f.BoolVar(&r.list, "list", false, "list the replays, newest first")
	cmd.MarkFlagsMutuallyExclusive("status", "missing")
	for _, narrowing := range []string{"until", "status", "type", "missing", "dry-run"} {
		cmd.MarkFlagsMutuallyExclusive("delivery", narrowing)
	}
	cmd.MarkFlagsMutuallyExclusive("since", "delivery", "watch", "cancel", "list")
	cmd.MarkFlagsOneRequired("since", "delivery", "watch", "cancel", "list")
	_ = cmd.RegisterFlagCompletionFunc("delivery", completing(deliveryIDs))
	_ = cmd.RegisterFlagCompletionFunc("type", completing(eventTypes))
	_ = cmd.RegisterFlagCompletionFunc("status", cobra.FixedCompletions([]string{"failed", "canceled", "success"}, cobra.ShellCompDirectiveNoFileComp))
	cmd.RunE = connected(r.run)
	return cmd
}

// replayArgument completes an endpoint, or a replay where one is meant.
func replayArgument(cmd *cobra.Command, args []string, typed string) ([]cobra.Completion, cobra.ShellCompDirective) {
	if cmd.Flags().Changed("watch") || cmd.Flags().Changed("cancel") {
		return first(replayIDs)(cmd, args, typed)
	}
	return first(endpointIDs)(cmd, args, typed)
}

func (r *replaying) run(ctx context.Context, s *session, args []string) error {
	if r.list {
		return listReplays(ctx, s)
	}
	if r.deliveries != nil {
		if len(args) > 0 {
			return usageError("replay --delivery takes no endpoint: each delivery goes to its own")
		}
		begun, err := s.api.Replays.Start(ctx, client.DeliveriesReplayInput{DeliveryIDs: r.deliveries})
		return r.begun(ctx, s, begun, err)
	}
	if len(args) == 0 {
		return usageError("which one? replay takes an endpoint's id; with --watch and --cancel a replay's")
	}
	switch id := args[0]; {
	case r.cancel:
		return s.showReplay(s.api.Replays.Cancel(ctx, id))
	case r.watch:
		return s.watchReplay(ctx, id)
	default:
		return r.start(ctx, s, id)
	}
}

func (r *replaying) start(ctx context.Context, s *session, endpoint string) error {
	in, err := r.input(time.Now())
	if err != nil {
		return err
	}
	if r.dryRun {
		count, err := s.api.Endpoints.CountReplay(ctx, endpoint, in)
		if err != nil {
			return err
		}
		return s.out.one(field{"deliveries that it would make", strconv.FormatInt(count.Total, 10)})
	}
	begun, err := s.api.Endpoints.Replay(ctx, endpoint, in)
	return r.begun(ctx, s, begun, err)
}

// begun watches what was started.
func (r *replaying) begun(ctx context.Context, s *session, begun client.Replay, err error) error {
	switch {
	case err != nil && ctx.Err() != nil:
		s.note("It may have begun: `postrider replay --list` shows it.")
		return err
	case err != nil:
		return err
	case r.detach:
		return s.showReplay(begun, nil)
	}
	return s.watchReplay(ctx, begun.ID)
}

func (r *replaying) input(now time.Time) (client.EndpointReplayInput, error) {
	in := client.EndpointReplayInput{Types: r.types}
	var err error
	if in.Since, err = parseTime("--since", r.since, now, -1); err != nil {
		return in, err
	}
	if r.until != "" {
		if in.Until, err = parseTime("--until", r.until, now, -1); err != nil {
			return in, err
		}
	}
	for _, status := range r.statuses {
		in.Statuses = append(in.Statuses, client.ReplayOf(status))
	}
	if r.missing {
		in.Statuses = []client.ReplayOf{client.ReplayOfMissing}
	}
	return in, nil
}

func listReplays(ctx context.Context, s *session) error {
	return list(s, paging{limit: 50}, s.api.Replays.All(ctx, client.ListOptions{}),
		column[client.Replay]{"ID", func(r client.Replay) string { return r.ID }},
		column[client.Replay]{"STATUS", func(r client.Replay) string { return string(r.Status) }},
		column[client.Replay]{"DONE", func(r client.Replay) string { return fmt.Sprintf("%d/%d", r.Done, r.Total) }},
		column[client.Replay]{"OF", replayOf},
		column[client.Replay]{"CREATED", func(r client.Replay) string { return when(r.CreatedAt) }})
}

// replayOf is what is replayed.
func replayOf(r client.Replay) string {
	switch {
	case r.EventID != nil:
		return *r.EventID
	case r.EndpointID != nil:
		return *r.EndpointID
	}
	return fmt.Sprintf("deliveries: %d", len(r.DeliveryIDs))
}

func (s *session) showReplay(r client.Replay, err error) error {
	if err != nil {
		return err
	}
	statuses := make([]string, len(r.Statuses))
	for i, status := range r.Statuses {
		statuses[i] = string(status)
	}
	return s.out.one(
		field{"id", r.ID}, field{"status", string(r.Status)}, field{"done", fmt.Sprintf("%d of %d", r.Done, r.Total)},
		field{"event", text(r.EventID)}, field{"endpoint", text(r.EndpointID)}, field{"of", strings.Join(statuses, ", ")},
		field{"deliveries", strings.Join(r.DeliveryIDs, ", ")},
		field{"types", strings.Join(r.Types, ", ")}, field{"since", when(r.Since)}, field{"until", when(r.Until)},
		field{"created", when(r.CreatedAt)}, field{"finished", whenever(r.FinishedAt)})
}
