package cli

import (
	"context"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/postrider/postrider/client"
)

func newEndpoints() *cobra.Command {
	cmd := group("endpoints", "Receivers: list, show, change and check them",
		newEndpointsList(),
		endpoint("show", "Show an endpoint; not its secret", func(ctx context.Context, s *session, id string) error {
			return s.showEndpoint(s.api.Endpoints.Get(ctx, id))
		}),
		newEndpointsCreate(), newEndpointsUpdate(),
		endpoint("delete", "Delete an endpoint; what is pending for it is canceled", func(ctx context.Context, s *session, id string) error {
			return s.did("deleted "+id, s.api.Endpoints.Delete(ctx, id))
		}),
		endpoint("enable", "Deliver to an endpoint again", setActive(true)),
		endpoint("disable", "Deliver nothing to an endpoint until it is enabled again", setActive(false)),
		endpoint("secret", "Show an endpoint's secret; while it rotates, both", showSecret),
		newEndpointsRotate(),
		endpoint("promote-secret", "End a rotation: the new secret is the only one from now on", func(ctx context.Context, s *session, id string) error {
			secret, err := s.api.Endpoints.Promote(ctx, id)
			return s.showSecret(secret, err)
		}),
		newEndpointsTest(),
		endpoint("diagnose", "Go the whole way to a receiver and say what is wrong where", diagnose),
		newEndpointsStats(), newEndpointsDeliveries(),
	)
	cmd.Aliases = []string{"endpoint"}
	return cmd
}

// endpoint is a command about one endpoint.
func endpoint(use, short string, do func(ctx context.Context, s *session, id string) error) *cobra.Command {
	return &cobra.Command{
		Use: use + " ENDPOINT", Short: short, Args: cobra.ExactArgs(1), ValidArgsFunction: first(endpointIDs),
		RunE: connected(func(ctx context.Context, s *session, args []string) error { return do(ctx, s, args[0]) }),
	}
}

// did notes what was done, unless it failed.
func (s *session) did(what string, err error) error {
	if err == nil {
		s.note("%s", what)
	}
	return err
}

func newEndpointsList() *cobra.Command {
	cmd := &cobra.Command{Use: "list", Short: "List the endpoints, newest first", Args: cobra.NoArgs}
	var p paging
	p.add(cmd)
	cmd.RunE = connected(func(ctx context.Context, s *session, _ []string) error {
		return list(s, p, s.api.Endpoints.All(ctx, client.ListOptions{Limit: p.page()}),
			column[client.Endpoint]{"ID", func(e client.Endpoint) string { return e.ID }},
			column[client.Endpoint]{"STATE", stateOf},
			column[client.Endpoint]{"URL", func(e client.Endpoint) string { return e.URL }},
			column[client.Endpoint]{"EVENTS", func(e client.Endpoint) string { return strings.Join(e.Events, ",") }},
			column[client.Endpoint]{"DESCRIPTION", func(e client.Endpoint) string { return e.Description }})
	})
	return cmd
}

func stateOf(e client.Endpoint) string {
	switch {
	case e.IsActive:
		return "active"
	case e.DisabledReason == nil:
		return "disabled"
	}
	switch *e.DisabledReason {
	case client.DisabledByUser:
		return "disabled by a user"
	case client.DisabledGone:
		return "disabled: it answered 410"
	case client.DisabledFailing:
		return "disabled: it kept failing"
	}
	return "disabled: " + string(*e.DisabledReason)
}

func (s *session) showEndpoint(e client.Endpoint, err error) error {
	if err != nil {
		return err
	}
	rate := "none"
	if e.RateLimit != nil {
		rate = strconv.Itoa(*e.RateLimit) + " a second"
	}
	var headers []string
	for name, value := range e.Headers {
		headers = append(headers, name+": "+value)
	}
	return s.out.one(
		field{"id", e.ID}, field{"url", e.URL}, field{"secret", e.Secret}, field{"state", stateOf(e)},
		field{"disabled at", whenever(e.DisabledAt)}, field{"events", strings.Join(e.Events, ", ")},
		field{"filters", object(e.Filters)}, field{"description", e.Description}, field{"format", string(e.Format)},
		field{"headers", sortedLines(headers)}, field{"timeout", seconds(e.Timeout)}, field{"retry schedule", schedule(e.RetrySchedule)},
		field{"rate limit", rate}, field{"max in flight", strconv.Itoa(e.MaxInFlight)}, field{"metadata", object(e.Metadata)},
		field{"secret rotates", until(e.RotatesUntil)}, field{"workspace", string(e.WorkspaceID)},
		field{"created", when(e.CreatedAt)}, field{"updated", when(e.UpdatedAt)})
}

func until(t *time.Time) string {
	if t == nil {
		return ""
	}
	return "until " + when(*t)
}

// object is a JSON object for people; nothing when it is empty.
func object(raw json.RawMessage) string {
	if text := string(raw); text != "{}" && text != "null" {
		return text
	}
	return ""
}

func seconds(n int) string { return (time.Duration(n) * time.Second).String() }

// schedule is when retries are made.
func schedule(delays []int) string {
	if len(delays) == 0 {
		return "no retry"
	}
	parts := make([]string, len(delays))
	for i, d := range delays {
		parts[i] = shortly(time.Duration(d) * time.Second)
	}
	return fmt.Sprintf("after %s", strings.Join(parts, ", "))
}

func setActive(active bool) func(context.Context, *session, string) error {
	return func(ctx context.Context, s *session, id string) error {
		return s.showEndpoint(s.api.Endpoints.Update(ctx, id, client.EndpointPatch{IsActive: client.Set(active)}))
	}
}
