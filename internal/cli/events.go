package cli

import (
	"bytes"
	"context"
	"encoding/json"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"github.com/postrider/postrider/client"
)

func newEvents() *cobra.Command {
	cmd := group("events", "What was published: list, show, explain, and once more",
		newEventsList(),
		event("show", "Show an event with its payload", func(ctx context.Context, s *session, id string) error {
			return s.showEvent(s.api.Events.Get(ctx, id))
		}),
		newEventsDeliveries(), newEventsExplain(), newEventsDryRun(), newEventsReplay(),
	)
	cmd.Aliases = []string{"event"}
	return cmd
}

func event(use, short string, do func(ctx context.Context, s *session, id string) error) *cobra.Command {
	return &cobra.Command{
		Use: use + " EVENT", Short: short, Args: cobra.ExactArgs(1), ValidArgsFunction: first(eventIDs),
		RunE: connected(func(ctx context.Context, s *session, args []string) error { return do(ctx, s, args[0]) }),
	}
}

func newEventsList() *cobra.Command {
	cmd := &cobra.Command{Use: "list", Short: "List events, newest first", Args: cobra.NoArgs}
	var p paging
	var n narrowing
	p.add(cmd)
	n.add(cmd, false)
	cmd.RunE = connected(func(ctx context.Context, s *session, _ []string) error {
		since, until, err := n.times()
		if err != nil {
			return err
		}
		return list(s, p, s.api.Events.All(ctx, client.EventFilter{Type: n.eventType, Since: since, Until: until, Limit: p.page()}),
			column[client.Event]{"ID", func(e client.Event) string { return e.ID }},
			column[client.Event]{"TYPE", func(e client.Event) string { return e.Type }},
			column[client.Event]{"ACCEPTED", func(e client.Event) string { return when(e.AcceptedAt) }},
			column[client.Event]{"DELIVERIES", func(e client.Event) string { return strconv.Itoa(e.Deliveries) }})
	})
	return cmd
}

func (s *session) showEvent(e client.Event, err error) error {
	if err != nil {
		return err
	}
	data := indented(e.Data)
	if data == "" || data == "null" {
		data = "no longer kept"
	}
	return s.out.one(
		field{"id", e.ID}, field{"type", e.Type}, field{"created", when(e.CreatedAt)}, field{"accepted", when(e.AcceptedAt)},
		field{"workspace", string(e.WorkspaceID)}, field{"deliveries", strconv.Itoa(e.Deliveries)},
		field{"only to", strings.Join(e.EndpointIDs, ", ")}, field{"deliver at", whenever(e.DeliverAt)},
		field{"ordering key", text(e.OrderingKey)}, field{"data", data})
}

// indented is JSON for people.
func indented(raw json.RawMessage) string {
	var b bytes.Buffer
	if json.Indent(&b, raw, "", "  ") != nil {
		return string(raw)
	}
	return b.String()
}

func newEventsReplay() *cobra.Command {
	cmd := &cobra.Command{
		Use: "replay EVENT", Short: "Deliver an event again, to whoever wants it now", Args: cobra.ExactArgs(1), ValidArgsFunction: first(eventIDs),
	}
	endpoints := cmd.Flags().StringSlice("endpoint", nil, "to these endpoint `ids` only, whatever they subscribe to")
	_ = cmd.RegisterFlagCompletionFunc("endpoint", completing(endpointIDs))
	cmd.RunE = connected(func(ctx context.Context, s *session, args []string) error {
		r, err := s.api.Events.Replay(ctx, args[0], client.EventReplayInput{EndpointIDs: *endpoints})
		return s.showReplay(r, err)
	})
	return cmd
}
