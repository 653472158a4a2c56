package cli

import (
	"context"
	"encoding/json"
	"errors"
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
	cmd                                        *cobra.Command
	events, headers                            []string
	filters, description, metadata, format     string
	retrySchedule, secretFile                  string
	timeout                                    time.Duration
	rateLimit, maxInFlight                     int
	filtersJSON, metadataJSON                  json.RawMessage
	delays                                     []int
	secret                                     *string
	wanted                                     map[string]*string // headers
	timeoutSeconds, rateLimitGiven, inFlightOf *int
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

func (p *policy) given(flag string) bool { return p.cmd.Flags().Changed(flag) }

// parse reads what the flags say.
func (p *policy) parse(stdin io.Reader) error {
	var err error
	if p.given("filters") {
		if p.filtersJSON, err = argument(stdin, p.filters); err != nil {
			return fmt.Errorf("--filters: %w", err)
		}
	}
	if p.given("metadata") {
		if p.metadataJSON, err = argument(stdin, p.metadata); err != nil {
			return fmt.Errorf("--metadata: %w", err)
		}
	}
	if p.given("retry-schedule") {
		if p.delays, err = parseSchedule(p.retrySchedule); err != nil {
			return err
		}
	}
	if p.given("timeout") {
		if p.timeout%time.Second != 0 {
			return usageError("--timeout is in whole seconds")
		}
		p.timeoutSeconds = new(int(p.timeout / time.Second))
	}
	if p.given("rate-limit") {
		p.rateLimitGiven = &p.rateLimit
	}
	if p.given("max-in-flight") {
		p.inFlightOf = &p.maxInFlight
	}
	if p.secret, err = secretFrom(stdin, p.secretFile); err != nil {
		return err
	}
	return p.parseHeaders()
}

func (p *policy) parseHeaders() error {
	p.wanted = map[string]*string{}
	for _, line := range p.headers {
		name, value, ok := strings.Cut(line, ":")
		if !ok {
			// Not the line: a value is a secret.
			return usageError("--header is 'Name: value'")
		}
		p.wanted[strings.TrimSpace(name)] = new(strings.TrimSpace(value))
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
		URL: url, Events: p.events, Secret: p.secret, Description: p.description, Timeout: p.timeoutSeconds,
		RetrySchedule: p.delays, RateLimit: p.rateLimitGiven, MaxInFlight: p.inFlightOf, Format: client.Format(p.format),
	}
	if disabled {
		in.IsActive = new(false)
	}
	if p.filtersJSON != nil {
		in.Filters = p.filtersJSON
	}
	if p.metadataJSON != nil {
		in.Metadata = p.metadataJSON
	}
	for name, value := range p.wanted {
		if in.Headers == nil {
			in.Headers = map[string]string{}
		}
		in.Headers[name] = *value
	}
	return in
}

// errNothing: a change that changes nothing is a mistake.
var errNothing = errors.New("nothing to change: give at least one flag")
