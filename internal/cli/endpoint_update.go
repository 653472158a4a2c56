package cli

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/postrider/postrider/client"
)

// resets bring a field's default back.
var resets = map[string]func(*client.EndpointPatch){
	"filters":        func(p *client.EndpointPatch) { p.Filters = client.Null[any]() },
	"description":    func(p *client.EndpointPatch) { p.Description = client.Null[string]() },
	"headers":        func(p *client.EndpointPatch) { p.Headers = client.Null[map[string]*string]() },
	"timeout":        func(p *client.EndpointPatch) { p.Timeout = client.Null[int]() },
	"retry-schedule": func(p *client.EndpointPatch) { p.RetrySchedule = client.Null[[]int]() },
	"rate-limit":     func(p *client.EndpointPatch) { p.RateLimit = client.Null[int]() },
	"max-in-flight":  func(p *client.EndpointPatch) { p.MaxInFlight = client.Null[int]() },
	"format":         func(p *client.EndpointPatch) { p.Format = client.Null[client.Format]() },
	"metadata":       func(p *client.EndpointPatch) { p.Metadata = client.Null[any]() },
}

func resettable() []string {
	var names []string
	for name := range resets {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

func newEndpointsUpdate() *cobra.Command {
	cmd := &cobra.Command{
		Use: "update ENDPOINT", Short: "Change what the flags name, and nothing else", Args: cobra.ExactArgs(1),
		ValidArgsFunction: first(endpointIDs),
		Example: `  postrider endpoints update ep_… --events 'post.*,page.*' --rate-limit 50
  postrider endpoints update ep_… --reset rate-limit,filters`,
	}
	var p policy
	p.add(cmd)
	f := cmd.Flags()
	newURL := f.String("new-url", "", "the receiver's `address` from now on")
	reset := f.StringSlice("reset", nil, "`fields` whose default comes back: "+strings.Join(resettable(), ", "))
	remove := f.StringSlice("remove-header", nil, "`names` of headers to send no longer")
	_ = cmd.RegisterFlagCompletionFunc("reset", cobra.FixedCompletions(resettable(), cobra.ShellCompDirectiveNoFileComp))
	cmd.RunE = connected(func(ctx context.Context, s *session, args []string) error {
		if err := p.parse(s.in); err != nil {
			return err
		}
		for _, name := range *remove {
			p.given.headers[name] = nil
		}
		patch, err := p.patch(*newURL, *reset)
		if err != nil {
			return err
		}
		return s.showEndpoint(s.api.Endpoints.Update(ctx, args[0], patch))
	})
	return cmd
}

// patch is what the flags change.
func (p *policy) patch(newURL string, reset []string) (client.EndpointPatch, error) {
	var out client.EndpointPatch
	for _, name := range reset {
		bring, ok := resets[name]
		if !ok {
			return out, usageError(fmt.Sprintf("--reset: there is no %s; there are %s", name, strings.Join(resettable(), ", ")))
		}
		bring(&out)
	}
	if newURL != "" {
		out.URL = &newURL
	}
	out.Events, out.Secret = p.events, p.given.secret
	if p.given.filters != nil {
		out.Filters = client.Set[any](p.given.filters)
	}
	if p.given.metadata != nil {
		out.Metadata = client.Set[any](p.given.metadata)
	}
	if p.says("description") {
		out.Description = client.Set(p.description)
	}
	if len(p.given.headers) > 0 {
		out.Headers = client.Set(p.given.headers)
	}
	if p.given.timeout != nil {
		out.Timeout = client.Set(*p.given.timeout)
	}
	if p.given.delays != nil {
		out.RetrySchedule = client.Set(p.given.delays)
	}
	if p.given.rateLimit != nil {
		out.RateLimit = client.Set(p.rateLimit)
	}
	if p.given.maxInFlight != nil {
		out.MaxInFlight = client.Set(p.maxInFlight)
	}
	if p.format != "" {
		out.Format = client.Set(client.Format(p.format))
	}
	if raw, err := json.Marshal(out); err != nil || string(raw) == "{}" {
		return out, usageError("nothing to change: give at least one flag")
	}
	return out, nil
}
