package cli

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"math"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/postrider/postrider/client"
)

// policy is what flags say of an endpoint.
type policy struct {
	cmd                                    *cobra.Command
	events, headers                        []string
	filters, description, metadata, format string
	retrySchedule, secretFile              string
	timeout                                time.Duration
	rateLimit, maxInFlight                 int

	given given
}

// given is a policy as the API takes it; what no flag says is nil.
type given struct {
	filters, metadata               json.RawMessage
	delays                          []int
	secret                          *string
	headers                         map[string]*string // nil for one to take away
	timeout, rateLimit, maxInFlight *int
}

func (p *policy) add(cmd *cobra.Command) {
	p.cmd = cmd
	f := cmd.Flags()
	f.StringSliceVar(&p.events, "events", nil, "event `types` (post.created), prefixes (post.*) or *")
	f.StringVar(&p.filters, "filters", "", "conditions on the payload, as `JSON`, @FILE or - for standard input")
	f.StringVar(&p.description, "description", "", "what it is for")
	f.StringArrayVarP(&p.headers, "header", "H", nil, "`'Name: value'` to send with every request")
	f.DurationVar(&p.timeout, "timeout", 0, "of one attempt, 1s to 60s (default 10s)")
	f.StringVar(&p.retrySchedule, "retry-schedule", "", "`delays` before each retry, such as 1m,5m,30m, or none")
	f.IntVar(&p.rateLimit, "rate-limit", 0, "requests a second at most")
	f.IntVar(&p.maxInFlight, "max-in-flight", 0, "requests at once at most")
	f.StringVar(&p.format, "format", "", "of the bodies: standard, raw or cloudevents")
	f.StringVar(&p.metadata, "metadata", "", "an object of your own, as `JSON`, @FILE or -")
	f.StringVar(&p.secretFile, "secret-file", "", "`file` with the secret, - for standard input (an argument would be in the process list)")
	_ = cmd.RegisterFlagCompletionFunc("format", cobra.FixedCompletions([]string{"standard", "raw", "cloudevents"}, cobra.ShellCompDirectiveNoFileComp))
	_ = cmd.RegisterFlagCompletionFunc("events", completing(eventTypes))
}

func (p *policy) says(flag string) bool { return p.cmd.Flags().Changed(flag) }

// parse reads what the flags say.
func (p *policy) parse(stdin io.Reader) error {
	var err error
	if p.says("filters") {
		if p.given.filters, err = argument(stdin, p.filters); err != nil {
			return fmt.Errorf("--filters: %w", err)
		}
	}
	if p.says("metadata") {
		if p.given.metadata, err = argument(stdin, p.metadata); err != nil {
			return fmt.Errorf("--metadata: %w", err)
		}
	}
	if p.says("retry-schedule") {
		if p.given.delays, err = parseSchedule(p.retrySchedule); err != nil {
			return err
		}
	}
	if p.says("timeout") {
		if p.timeout%time.Second != 0 {
			return usageError("--timeout is in whole seconds")
		}
		p.given.timeout = new(int(p.timeout / time.Second))
	}
	if p.says("rate-limit") {
		p.given.rateLimit = &p.rateLimit
	}
	if p.says("max-in-flight") {
		p.given.maxInFlight = &p.maxInFlight
	}
	if p.given.secret, err = secretFrom(stdin, p.secretFile); err != nil {
		return err
	}
	return p.parseHeaders()
}

func (p *policy) parseHeaders() error {
	p.given.headers = map[string]*string{}
	for _, line := range p.headers {
		name, value, ok := strings.Cut(line, ":")
		if !ok {
			// Not the line: a value is a secret.
			return usageError("--header is 'Name: value'")
		}
		p.given.headers[strings.TrimSpace(name)] = new(strings.TrimSpace(value))
	}
	return nil
}

// secretFrom reads a secret from a file; nil without one.
func secretFrom(stdin io.Reader, file string) (*string, error) {
	if file == "" {
		return nil, nil
	}
	var raw []byte
	var err error
	if file == "-" {
		raw, err = io.ReadAll(stdin)
	} else {
		raw, err = os.ReadFile(file)
	}
	if err != nil {
		return nil, withCode(fmt.Errorf("read the secret: %w", err), ExitUsage)
	}
	return new(strings.TrimSpace(string(raw))), nil
}

// parseSchedule reads durations, or numbers of seconds, as the seconds that the API
// takes.
func parseSchedule(text string) ([]int, error) {
	delays := []int{}
	if text == "none" {
		return delays, nil
	}
	for part := range strings.SplitSeq(text, ",") {
		n, err := strconv.Atoi(part)
		if err != nil {
			d, wrong := parseDuration(part)
			if wrong != nil || d%time.Second != 0 || d/time.Second > math.MaxInt32 {
				return nil, usageError(fmt.Sprintf("--retry-schedule is delays of whole seconds such as 1m,5m,30m, or none, not %q", text))
			}
			n = int(d / time.Second)
		}
		delays = append(delays, n)
	}
	return delays, nil
}

func newEndpointsCreate() *cobra.Command {
	cmd := &cobra.Command{
		Use: "create URL --events TYPES", Short: "Make an endpoint; its secret is shown", Args: cobra.ExactArgs(1),
		Example: `  postrider endpoints create https://example.com/webhooks --events 'post.*' --filters '{"status":"published"}'`,
	}
	var p policy
	p.add(cmd)
	disabled := cmd.Flags().Bool("disabled", false, "deliver nothing to it until it is enabled")
	_ = cmd.MarkFlagRequired("events")
	cmd.RunE = connected(func(ctx context.Context, s *session, args []string) error {
		if err := p.parse(s.in); err != nil {
			return err
		}
		return s.showEndpoint(s.api.Endpoints.Create(ctx, p.input(args[0], *disabled)))
	})
	return cmd
}

func (p *policy) input(url string, disabled bool) client.EndpointInput {
	in := client.EndpointInput{
		URL: url, Events: p.events, Secret: p.given.secret, Description: p.description, Timeout: p.given.timeout,
		RetrySchedule: p.given.delays, RateLimit: p.given.rateLimit, MaxInFlight: p.given.maxInFlight, Format: client.Format(p.format),
	}
	if disabled {
		in.IsActive = new(false)
	}
	if p.given.filters != nil {
		in.Filters = p.given.filters
	}
	if p.given.metadata != nil {
		in.Metadata = p.given.metadata
	}
	for name, value := range p.given.headers {
		if in.Headers == nil {
			in.Headers = map[string]string{}
		}
		in.Headers[name] = *value
	}
	return in
}
