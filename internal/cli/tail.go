package cli

import (
	"context"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/postrider/postrider/client"
)

func newTail() *cobra.Command {
	cmd := &cobra.Command{
		Use: "tail", Short: "Show attempts as they are made",
		Long: `Shows a workspace's attempts as they are recorded, from about a second after it is
ready on. What was left out, as while the API or Redis was away, is said.`,
		Example: `  postrider tail
  postrider tail --endpoint ep_01kqxg5wdgf0m8c4yb2h3t9v6z --failed --output json`,
		Args: cobra.NoArgs,
	}
	f := cmd.Flags()
	types := f.StringSlice("types", nil, "event `types` or prefixes such as post.*; all of them by default")
	endpoint := f.String("endpoint", "", "only this endpoint's (`id`)")
	failed := f.Bool("failed", false, "only attempts that failed")
	_ = cmd.RegisterFlagCompletionFunc("endpoint", completing(endpointIDs))
	_ = cmd.RegisterFlagCompletionFunc("types", completing(eventTypes))
	cmd.RunE = connected(func(ctx context.Context, s *session, _ []string) error {
		o := client.StreamOptions{
			Kinds: []client.StreamKind{client.StreamAttempts}, Types: *types, Endpoint: *endpoint,
		}
		return s.tail(ctx, o, *failed)
	})
	return cmd
}

func (s *session) tail(ctx context.Context, o client.StreamOptions, failed bool) error {
	for m, err := range s.watch(ctx, o, "Ready: attempts are shown as they are made.") {
		if err != nil {
			return err
		}
		switch a := m.Attempt; {
		case m.Gap != nil:
			s.note("%s", gapText(m.Gap))
		case a == nil || failed && a.Error == nil:
		case s.out.json:
			if err := s.out.value(a); err != nil {
				return err
			}
		default:
			s.out.line("%s", clean(attemptLine(a)))
		}
	}
	return nil
}

func gapText(g *client.StreamGap) string {
	if g.LeftOut == nil {
		return "Some attempts may not have been shown: deliveries list has all of them."
	}
	return fmt.Sprintf("%d attempts were not shown: deliveries list has all of them.", *g.LeftOut)
}

// attemptLine is an attempt on one line.
func attemptLine(a *client.StreamAttempt) string {
	parts := []string{a.StartedAt.UTC().Format("15:04:05Z"), a.Type, a.EventID, "→", a.EndpointID}
	if a.StatusCode != nil {
		parts = append(parts, number(a.StatusCode))
	}
	parts = append(parts, fmt.Sprintf("in %d ms, attempt %d,", a.DurationMS, a.Number))
	switch {
	case a.Status == nil:
		parts = append(parts, "which did not decide it")
	case a.NextAttemptAt != nil:
		parts = append(parts, "again "+when(*a.NextAttemptAt))
	default:
		parts = append(parts, string(*a.Status))
	}
	if a.Error != nil {
		parts = append(parts, "("+failure(a.Error, a.ErrorClass, a.StatusCode)+")")
	}
	return strings.Join(append(parts, a.DeliveryID), " ")
}
