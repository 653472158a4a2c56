package cli

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"strings"
	"sync"
	"time"

	"github.com/spf13/cobra"

	"github.com/postrider/postrider/client"
)

// listening is what `listen` was told.
type listening struct {
	forwardTo, endpoint, format, since, positionFile string
	given, secretFile                                string // the secret
	types, headers                                   []string
	ownSecret                                        bool
	concurrency                                      int
	timeout                                          time.Duration
}

func newListen() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "listen",
		Short: "Forward events to a local address as they are accepted, signed as deliveries are",
		Long: `Forwards a workspace's events to a local address as they are accepted: the same
bodies and headers that deliveries have, signed with a secret of this command's own,
one after the other. Endpoints get theirs all the same.

Nothing is retried: what failed is shown. While the API is away nothing is lost: it
goes on where it was.`,
		Example: `  postrider listen --forward-to http://localhost:3000/webhooks --types 'post.*'
  postrider listen --endpoint ep_01kqxg5wdgf0m8c4yb2h3t9v6z --forward-to localhost:3000`,
		Args: cobra.NoArgs,
	}
	l := &listening{}
	f := cmd.Flags()
	f.StringVar(&l.forwardTo, "forward-to", "", "`URL` to post events to; without one they are only shown")
	f.StringSliceVar(&l.types, "types", nil, "event `types` or prefixes such as post.*; all of them by default")
	f.StringVar(&l.endpoint, "endpoint", "", "only what this endpoint wants, in its format (`id`)")
	f.StringVar(&l.format, "format", "", "standard, raw or cloudevents, in place of the endpoint's")
	f.StringVar(&l.given, "secret", "", "`secret` to sign with, whsec_… (default: a new one each time)")
	f.StringVar(&l.secretFile, "secret-file", "", "`file` with that secret, - for standard input")
	f.BoolVar(&l.ownSecret, "endpoint-secret", false, "sign with the endpoint's own secret")
	f.StringArrayVar(&l.headers, "header", nil, "add a header, as '`Name: value`'")
	f.StringVar(&l.since, "since", "", "begin with what was accepted since this `time`, or so long ago (30m)")
	f.StringVar(&l.positionFile, "position-file", "", "note in this `file` how far it got, and go on from there")
	f.IntVar(&l.concurrency, "concurrency", 1, "requests at once; with more than 1 they overtake each other")
	f.DurationVar(&l.timeout, "timeout", 10*time.Second, "of one request")
	_ = cmd.RegisterFlagCompletionFunc("endpoint", completing(endpointIDs))
	_ = cmd.RegisterFlagCompletionFunc("types", completing(eventTypes))
	cmd.MarkFlagsMutuallyExclusive("secret", "secret-file", "endpoint-secret")
	cmd.RunE = connected(func(ctx context.Context, s *session, _ []string) error { return l.run(ctx, s) })
	return cmd
}

func (l *listening) run(ctx context.Context, s *session) error {
	if l.concurrency < 1 || l.timeout <= 0 {
		return usageError("--concurrency and --timeout are above zero")
	}
	if l.ownSecret && l.endpoint == "" {
		return usageError("--endpoint-secret needs --endpoint")
	}
	options, err := l.options(ctx, s)
	if err != nil {
		return err
	}
	f, err := l.forwarder(ctx, s, options.Format)
	if err != nil {
		return err
	}
	line := make(chan *forwarded, l.concurrency-1)
	var settling sync.WaitGroup
	settling.Go(func() { l.settle(ctx, s, f, line) })
	defer settling.Wait()
	defer close(line)
	return l.read(ctx, s, f, options, line)
}

// options are the stream's. What an endpoint's format is has to be known here, for
// the content type.
func (l *listening) options(ctx context.Context, s *session) (client.StreamOptions, error) {
	o := client.StreamOptions{
		Kinds: []client.StreamKind{client.StreamEvents}, Types: l.types, Endpoint: l.endpoint, Format: client.Format(l.format),
	}
	if o.Format == "" && l.endpoint != "" {
		e, err := s.api.Endpoints.Get(ctx, l.endpoint)
		if err != nil {
			return o, err
		}
		o.Format = e.Format
	}
	if l.since != "" {
		var err error
		if o.Since, err = parseTime("--since", l.since, time.Now(), -1); err != nil {
			return o, err
		}
	}
	if l.positionFile == "" {
		return o, nil
	}
	raw, err := os.ReadFile(l.positionFile)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return o, withCode(err, ExitUsage)
	}
	o.Position = strings.TrimSpace(string(raw))
	return o, nil
}

// read hands on what the stream shows; it waits while as much as may be is under way.
func (l *listening) read(ctx context.Context, s *session, f *forwarder, o client.StreamOptions, line chan<- *forwarded) error {
	for m, err := range s.watch(ctx, o, f.ready()) {
		if err != nil {
			return err
		}
		next := &forwarded{event: m.Event, position: m.Position, done: make(chan struct{})}
		select {
		case line <- next:
		case <-ctx.Done():
			return ctx.Err()
		}
		if next.event == nil || f.url == "" {
			close(next.done)
			continue
		}
		go f.forward(ctx, next) // settle waits for it
	}
	return nil
}

// settle shows what became of events, in the order in which they came.
func (l *listening) settle(ctx context.Context, s *session, f *forwarder, line <-chan *forwarded) {
	noted := true
	for next := range line {
		<-next.done
		if ctx.Err() != nil {
			continue // cut off: it comes again
		}
		if next.event != nil {
			s.showForwarded(next, f.url != "")
		}
		if l.positionFile == "" || next.position == "" {
			continue
		}
		err := writeWhole(l.positionFile, []byte(next.position+"\n"))
		if err != nil && noted {
			s.note("how far it got can't be noted: %s", err)
		}
		noted = err == nil
	}
}
