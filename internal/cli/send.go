package cli

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/postrider/postrider/client"
)

// publishing is what may be said about an event beside what it is.
type publishing struct {
	id, createdAt, deliverAt, orderingKey string
	endpoints                             []string
	wait                                  time.Duration
}

func (p *publishing) add(cmd *cobra.Command) {
	f := cmd.Flags()
	f.StringVar(&p.id, "id", "", "an `id` of your own: given twice, it is the same event")
	f.StringVar(&p.createdAt, "created-at", "", "the `time` that receivers are told")
	f.StringVar(&p.deliverAt, "deliver-at", "", "no attempt before this `time`, or so long from now (30m)")
	f.StringVar(&p.orderingKey, "ordering-key", "", "deliver it after the events before it with the same `key`")
	f.StringSliceVar(&p.endpoints, "endpoint", nil, "consider these endpoint `ids` only")
	_ = cmd.RegisterFlagCompletionFunc("endpoint", completing(endpointIDs))
	f.DurationVar(&p.wait, "wait", 0, "wait up to 10s for what the receivers answer")
}

// event is one of a type with these options.
func (p *publishing) event(eventType string, data json.RawMessage, now time.Time) (client.NewEvent, error) {
	e := client.NewEvent{
		Type: eventType, Data: data, ID: p.id, EndpointIDs: p.endpoints, OrderingKey: p.orderingKey, Wait: p.wait.Seconds(),
	}
	var err error
	if p.createdAt != "" {
		if e.CreatedAt, err = parseTime("--created-at", p.createdAt, now, -1); err != nil {
			return e, err
		}
	}
	if p.deliverAt != "" {
		e.DeliverAt, err = parseTime("--deliver-at", p.deliverAt, now, 1)
	}
	return e, err
}

func newSend() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "send TYPE [JSON|-|@FILE]",
		Short: "Publish an event; its data is the argument, a file or standard input",
		Example: `  postrider send post.created '{"id":123,"title":"My Blog Post"}'
  postrider send post.created @post.json --wait 5s`,
		Args: cobra.RangeArgs(1, 2), ValidArgsFunction: first(eventTypes),
	}
	var options publishing
	options.add(cmd)
	cmd.RunE = connected(func(ctx context.Context, s *session, args []string) error {
		data, err := argument(s.in, append(args[1:], "-")[0])
		if err != nil {
			return err
		}
		return publish(ctx, s, args[0], data, options)
	})
	return cmd
}

// publish publishes an event and shows what became of it.
func publish(ctx context.Context, s *session, eventType string, data json.RawMessage, options publishing) error {
	e, err := options.event(eventType, data, time.Now())
	if err != nil {
		return err
	}
	accepted, err := s.api.Events.Publish(ctx, e)
	if err != nil {
		return err
	}
	return s.showAccepted(accepted)
}

func (s *session) showAccepted(a client.Accepted) error {
	fields := []field{
		{"event", a.ID}, {"type", a.Type}, {"workspace", string(a.WorkspaceID)}, {"deliveries", strconv.Itoa(a.Deliveries)},
	}
	for _, w := range a.Warnings {
		fields = append(fields, field{"warning", w.Pointer + ": " + w.Detail})
	}
	for _, o := range a.Outcomes {
		fields = append(fields, field{o.EndpointID, outcome(o)})
	}
	return s.out.one(fields...)
}

// outcome is what is known of a delivery, in words.
func outcome(o client.Outcome) string {
	parts := []string{string(o.Status)}
	if o.StatusCode != nil {
		parts = append(parts, "answered "+strconv.Itoa(*o.StatusCode))
	}
	if o.Error != nil {
		parts = append(parts, *o.Error)
	}
	if o.HeldReason != nil {
		parts = append(parts, "held: "+string(*o.HeldReason))
	}
	if o.NextAttemptAt != nil {
		parts = append(parts, "next attempt "+when(*o.NextAttemptAt))
	}
	return strings.Join(append(parts, o.DeliveryID), ", ")
}

// argument is JSON that is given as an argument: itself, @ and a file's name, or -
// for standard input.
func argument(stdin io.Reader, text string) (json.RawMessage, error) {
	raw := []byte(text)
	var err error
	if text == "-" {
		if raw, err = io.ReadAll(stdin); err != nil {
			return nil, fmt.Errorf("read standard input: %w", err)
		}
	} else if name, ok := strings.CutPrefix(text, "@"); ok {
		if raw, err = os.ReadFile(name); err != nil {
			return nil, withCode(err, ExitUsage)
		}
	}
	if !json.Valid(raw) {
		return nil, withCode(errors.New("the data is not valid JSON"), ExitUsage)
	}
	return raw, nil
}
