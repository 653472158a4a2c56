package cli

import (
	"context"

	"github.com/spf13/cobra"

	"github.com/postrider/postrider/client"
)

func newEventsExplain() *cobra.Command {
	cmd := &cobra.Command{
		Use: "explain EVENT", Short: "Say for each endpoint whether it got an event, and the first reason why not",
		Args: cobra.ExactArgs(1), ValidArgsFunction: first(eventIDs),
	}
	var p paging
	p.add(cmd)
	endpoint := cmd.Flags().String("endpoint", "", "this endpoint `id` only")
	_ = cmd.RegisterFlagCompletionFunc("endpoint", completing(endpointIDs))
	cmd.RunE = connected(func(ctx context.Context, s *session, args []string) error {
		return list(s, p, s.api.Explain.AllOfEvent(ctx, args[0], client.ExplainFilter{EndpointID: *endpoint, Limit: p.page()}),
			column[client.Explanation]{"ENDPOINT", func(e client.Explanation) string { return e.EndpointID }},
			column[client.Explanation]{"DELIVERED", func(e client.Explanation) string { return yes(e.Delivered) }},
			column[client.Explanation]{"WHY NOT", func(e client.Explanation) string { return why(e.WhyNot) }},
			column[client.Explanation]{"WOULD NOW", func(e client.Explanation) string { return forecast(e.Now.Matched, e.Now.WhyNot) }})
	})
	return cmd
}

func newEventsDryRun() *cobra.Command {
	cmd := &cobra.Command{
		Use: "dry-run TYPE [JSON|-|@FILE]", Short: "Say which endpoints would get an event; nothing is stored or sent",
		Args: cobra.RangeArgs(1, 2), ValidArgsFunction: first(eventTypes),
	}
	var p paging
	p.add(cmd)
	cmd.RunE = connected(func(ctx context.Context, s *session, args []string) error {
		data, err := argument(s.in, append(args[1:], "-")[0])
		if err != nil {
			return err
		}
		return list(s, p, s.api.Explain.AllOfDryRun(ctx, client.ExplainInput{Type: args[0], Data: data}, client.ExplainFilter{Limit: p.page()}),
			column[client.DryRunItem]{"ENDPOINT", func(e client.DryRunItem) string { return e.EndpointID }},
			column[client.DryRunItem]{"MATCHES", func(e client.DryRunItem) string { return yes(e.Matched) }},
			column[client.DryRunItem]{"WHY NOT", func(e client.DryRunItem) string { return why(e.WhyNot) }})
	})
	return cmd
}

func yes(is bool) string {
	if is {
		return "yes"
	}
	return "no"
}

func forecast(matched bool, w client.WhyNot) string {
	if matched {
		return "yes"
	}
	return "no: " + text(w.Reason)
}

// why is a reason in words. The API's own say it all, where it has some.
func why(w client.WhyNot) string {
	switch {
	case w.Reason == nil:
		return ""
	case w.Detail != nil:
		return text(w.Reason) + ": " + *w.Detail
	}
	return text(w.Reason)
}
