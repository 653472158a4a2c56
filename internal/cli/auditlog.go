package cli

import (
	"context"

	"github.com/spf13/cobra"

	"github.com/postrider/postrider/client"
)

func newAuditLog() *cobra.Command {
	cmd := &cobra.Command{Use: "audit-log", Short: "List who changed what, newest first", Args: cobra.NoArgs}
	var p paging
	p.add(cmd)
	f := cmd.Flags()
	action := f.String("action", "", "one `operation`, such as updateEndpoint")
	actor := f.String("actor", "", "admin, or a key's `id`")
	target := f.String("target", "", "the `id` of what was changed")
	n := narrowing{}
	f.StringVar(&n.since, "since", "", "since this `time`, or so long ago (30m, 24h, 7d)")
	f.StringVar(&n.until, "until", "", "before this `time`, or so long ago")
	cmd.RunE = connected(func(ctx context.Context, s *session, _ []string) error {
		since, until, err := n.times()
		if err != nil {
			return err
		}
		filter := client.AuditFilter{Action: *action, Actor: *actor, Target: *target, Since: since, Until: until, Limit: p.page()}
		return list(s, p, s.api.AuditLog.All(ctx, filter),
			column[client.AuditEntry]{"TIME", func(e client.AuditEntry) string { return when(e.CreatedAt) }},
			column[client.AuditEntry]{"ACTOR", func(e client.AuditEntry) string { return e.Actor }},
			column[client.AuditEntry]{"ACTION", func(e client.AuditEntry) string { return e.Action }},
			column[client.AuditEntry]{"TARGET", func(e client.AuditEntry) string { return e.Target }},
			column[client.AuditEntry]{"WORKSPACE", func(e client.AuditEntry) string { return string(e.WorkspaceID) }})
	})
	return cmd
}
