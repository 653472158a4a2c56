package cli

import (
	"context"
	"time"

	"github.com/spf13/cobra"

	"github.com/postrider/postrider/client"
)

// completeFor is how long a shell waits for the API.
const completeFor = 2 * time.Second

// words are what somebody may want to type, each with what it is.
type words func(ctx context.Context, c *client.Client) ([]cobra.Completion, error)

type completion = func(cmd *cobra.Command, args []string, typed string) ([]cobra.Completion, cobra.ShellCompDirective)

// completing asks the API for words. Without an answer there are none: a shell's line
// is no place for errors.
func completing(ask words) completion {
	return func(cmd *cobra.Command, _ []string, _ string) ([]cobra.Completion, cobra.ShellCompDirective) {
		t, err := targetOf(cmd.Flags())
		if err != nil {
			return nil, cobra.ShellCompDirectiveNoFileComp
		}
		ctx, cancel := context.WithTimeout(cmd.Context(), completeFor)
		defer cancel()
		found, err := ask(ctx, t.client(client.Config{MaxRetries: -1}))
		if err != nil {
			return nil, cobra.ShellCompDirectiveNoFileComp
		}
		return found, cobra.ShellCompDirectiveNoFileComp | cobra.ShellCompDirectiveKeepOrder
	}
}

// first completes the first argument only.
func first(ask words) completion {
	complete := completing(ask)
	return func(cmd *cobra.Command, args []string, typed string) ([]cobra.Completion, cobra.ShellCompDirective) {
		if len(args) > 0 {
			return nil, cobra.ShellCompDirectiveDefault
		}
		return complete(cmd, args, typed)
	}
}

// of turns a page into words. Descriptions are of strangers.
func of[T any](page client.Page[T], err error, word func(T) (name, about string)) ([]cobra.Completion, error) {
	var out []cobra.Completion
	for _, item := range page.Data {
		name, about := word(item)
		out = append(out, cobra.CompletionWithDesc(clean(name), clean(about)))
	}
	return out, err
}

func endpointIDs(ctx context.Context, c *client.Client) ([]cobra.Completion, error) {
	page, err := c.Endpoints.List(ctx, client.ListOptions{})
	return of(page, err, func(e client.Endpoint) (string, string) { return e.ID, e.URL })
}

func eventTypes(ctx context.Context, c *client.Client) ([]cobra.Completion, error) {
	page, err := c.EventTypes.List(ctx, client.ListOptions{})
	return of(page, err, func(t client.EventType) (string, string) { return t.Name, t.Description })
}

func eventIDs(ctx context.Context, c *client.Client) ([]cobra.Completion, error) {
	page, err := c.Events.List(ctx, client.EventFilter{})
	return of(page, err, func(e client.Event) (string, string) { return e.ID, e.Type + " " + when(e.AcceptedAt) })
}

func deliveryIDs(ctx context.Context, c *client.Client) ([]cobra.Completion, error) {
	page, err := c.Deliveries.List(ctx, client.DeliveryFilter{})
	return of(page, err, func(d client.Delivery) (string, string) { return d.ID, string(d.Status) + " " + d.Type })
}

func replayIDs(ctx context.Context, c *client.Client) ([]cobra.Completion, error) {
	page, err := c.Replays.List(ctx, client.ListOptions{})
	return of(page, err, func(r client.Replay) (string, string) { return r.ID, string(r.Status) })
}

func workspaceIDs(ctx context.Context, c *client.Client) ([]cobra.Completion, error) {
	page, err := c.Workspaces.List(ctx, client.ListOptions{})
	return of(page, err, func(w client.Workspace) (string, string) { return string(w.ID), w.Name })
}
