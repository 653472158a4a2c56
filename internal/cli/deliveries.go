package cli

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/spf13/cobra"

	"github.com/postrider/postrider/client"
)

func newDeliveries() *cobra.Command {
	cmd := group("deliveries", "Events on their way to endpoints: what became of them, and once more",
		newDeliveriesList(),
		delivery("show", "Show a delivery and all of its attempts", showDelivery),
		newDeliveriesAttempts(),
		newDeliveriesBody(),
		newDeliveriesVerify(),
		delivery("retry", "Start a fresh schedule for one that failed or was canceled", func(ctx context.Context, s *session, id string) error {
			return s.showDelivery(s.api.Deliveries.Retry(ctx, id))
		}),
		delivery("cancel", "Stop a pending delivery", func(ctx context.Context, s *session, id string) error {
			return s.showDelivery(s.api.Deliveries.Cancel(ctx, id))
		}),
	)
	cmd.Aliases = []string{"delivery"}
	return cmd
}

func delivery(use, short string, do func(ctx context.Context, s *session, id string) error) *cobra.Command {
	return &cobra.Command{
		Use: use + " DELIVERY", Short: short, Args: cobra.ExactArgs(1), ValidArgsFunction: first(deliveryIDs),
		RunE: connected(func(ctx context.Context, s *session, args []string) error { return do(ctx, s, args[0]) }),
	}
}

// narrowing is by what lists of events and deliveries are narrowed.
type narrowing struct{ status, eventType, since, until string }

func (n *narrowing) add(cmd *cobra.Command, withStatus bool) {
	f := cmd.Flags()
	f.StringVar(&n.eventType, "type", "", "one event `type`, exactly")
	f.StringVar(&n.since, "since", "", "accepted since this `time`, or so long ago (30m, 24h, 7d)")
	f.StringVar(&n.until, "until", "", "accepted before this `time`, or so long ago")
	_ = cmd.RegisterFlagCompletionFunc("type", completing(eventTypes))
	if withStatus {
		f.StringVar(&n.status, "status", "", "pending, success, failed or canceled")
		_ = cmd.RegisterFlagCompletionFunc("status", cobra.FixedCompletions([]string{"pending", "success", "failed", "canceled"}, cobra.ShellCompDirectiveNoFileComp))
	}
}

// times reads since and until.
func (n *narrowing) times() (since, until time.Time, err error) {
	now := time.Now()
	if n.since != "" {
		if since, err = parseTime("--since", n.since, now, -1); err != nil {
			return since, until, err
		}
	}
	if n.until != "" {
		until, err = parseTime("--until", n.until, now, -1)
	}
	return since, until, err
}

var deliveryColumns = []column[client.Delivery]{
	{"ID", func(d client.Delivery) string { return d.ID }},
	{"STATUS", func(d client.Delivery) string { return string(d.Status) }},
	{"ATTEMPTS", func(d client.Delivery) string { return strconv.Itoa(d.Attempts) }},
	{"ANSWER", func(d client.Delivery) string { return number(d.StatusCode) }},
	{"TYPE", func(d client.Delivery) string { return d.Type }},
	{"EVENT", func(d client.Delivery) string { return d.EventID }},
	{"ENDPOINT", func(d client.Delivery) string { return d.EndpointID }},
	{"CREATED", func(d client.Delivery) string { return when(d.CreatedAt) }},
	{"ERROR", func(d client.Delivery) string { return text(d.Error) }},
}

func newDeliveriesList() *cobra.Command {
	cmd := &cobra.Command{Use: "list", Short: "List deliveries, newest first", Args: cobra.NoArgs}
	var p paging
	var n narrowing
	p.add(cmd)
	n.add(cmd, true)
	endpoint := cmd.Flags().String("endpoint", "", "to this endpoint `id`")
	event := cmd.Flags().String("event", "", "of this event `id`")
	answer := cmd.Flags().String("status-class", "", "whose last attempt was answered 2xx, 3xx, 4xx, 5xx, or none")
	failure := cmd.Flags().String("error-class", "", "whose last attempt failed for this `reason`, such as timeout")
	_ = cmd.RegisterFlagCompletionFunc("status-class", cobra.FixedCompletions([]string{"2xx", "3xx", "4xx", "5xx", "none"}, cobra.ShellCompDirectiveNoFileComp))
	_ = cmd.RegisterFlagCompletionFunc("error-class", cobra.FixedCompletions(errorClasses, cobra.ShellCompDirectiveNoFileComp))
	_ = cmd.RegisterFlagCompletionFunc("endpoint", completing(endpointIDs))
	_ = cmd.RegisterFlagCompletionFunc("event", completing(eventIDs))
	cmd.RunE = connected(func(ctx context.Context, s *session, _ []string) error {
		since, until, err := n.times()
		if err != nil {
			return err
		}
		return list(s, p, s.api.Deliveries.All(ctx, client.DeliveryFilter{
			Status: client.DeliveryStatus(n.status), EndpointID: *endpoint, EventID: *event, Type: n.eventType,
			Since: since, Until: until, Limit: p.page(), StatusClass: client.StatusClass(*answer), ErrorClass: client.ErrorClass(*failure),
		}), deliveryColumns...)
	})
	return cmd
}

// errorClasses are as in docs/delivery-errors.md.
var errorClasses = []string{"timeout", "refused", "reset", "dns", "tls", "blocked", "status", "invalid_http", "internal"}

// newEndpointsDeliveries is the list of an endpoint's.
func newEndpointsDeliveries() *cobra.Command {
	cmd := &cobra.Command{
		Use: "deliveries ENDPOINT", Short: "List an endpoint's deliveries, newest first", Args: cobra.ExactArgs(1), ValidArgsFunction: first(endpointIDs),
	}
	return narrowed(cmd, func(ctx context.Context, s *session, id string, f client.EventDeliveryFilter, p paging) error {
		return list(s, p, s.api.Endpoints.AllDeliveries(ctx, id, f), deliveryColumns...)
	})
}

func newEventsDeliveries() *cobra.Command {
	cmd := &cobra.Command{
		Use: "deliveries EVENT", Short: "List an event's deliveries, newest first", Args: cobra.ExactArgs(1), ValidArgsFunction: first(eventIDs),
	}
	return narrowed(cmd, func(ctx context.Context, s *session, id string, f client.EventDeliveryFilter, p paging) error {
		return list(s, p, s.api.Events.AllDeliveries(ctx, id, f), deliveryColumns...)
	})
}

// narrowed gives a list of the deliveries of one thing its flags.
func narrowed(cmd *cobra.Command, do func(context.Context, *session, string, client.EventDeliveryFilter, paging) error) *cobra.Command {
	var p paging
	var n narrowing
	p.add(cmd)
	n.add(cmd, true)
	cmd.RunE = connected(func(ctx context.Context, s *session, args []string) error {
		since, until, err := n.times()
		if err != nil {
			return err
		}
		f := client.EventDeliveryFilter{Status: client.DeliveryStatus(n.status), Type: n.eventType, Since: since, Until: until, Limit: p.page()}
		return do(ctx, s, args[0], f, p)
	})
	return cmd
}

func (s *session) showDelivery(d client.Delivery, err error) error {
	if err != nil {
		return err
	}
	return s.out.one(
		field{"id", d.ID}, field{"status", string(d.Status)}, field{"type", d.Type}, field{"event", d.EventID}, field{"endpoint", d.EndpointID},
		field{"replay", text(d.ReplayID)}, field{"ordering key", text(d.OrderingKey)}, field{"attempts", strconv.Itoa(d.Attempts)},
		field{"held", held(d)}, field{"next attempt", whenever(d.NextAttemptAt)},
		field{"created", when(d.CreatedAt)}, field{"completed", whenever(d.CompletedAt)})
}

func held(d client.Delivery) string {
	if d.HeldReason == nil {
		return ""
	}
	if d.HeldUntil == nil {
		return string(*d.HeldReason)
	}
	return fmt.Sprintf("%s until %s", *d.HeldReason, when(*d.HeldUntil))
}

// showDelivery shows what happened, oldest first.
func showDelivery(ctx context.Context, s *session, id string) error {
	if err := s.showDelivery(s.api.Deliveries.Get(ctx, id)); err != nil || s.out.json {
		return err
	}
	var attempts []client.Attempt
	for a, err := range s.api.Deliveries.AllAttempts(ctx, id, client.ListOptions{Limit: mostOfPage}) {
		if err != nil {
			return err
		}
		attempts = append(attempts, a)
	}
	slices.Reverse(attempts)
	for _, a := range attempts {
		s.out.line("\nattempt %d, %s, %d ms", a.Number, when(a.StartedAt), a.DurationMS)
		if err := s.out.fields(
			field{"  answer", number(a.StatusCode)}, field{"  error", failure(a.Error, a.ErrorClass, a.StatusCode)},
			field{"  what to do", advised(a.ErrorClass, a.StatusCode).Do}, field{"  signed with", signedWith(a)}, field{"  body", answerBody(a.ResponseBody)}); err != nil {
			return err
		}
	}
	return nil
}

func signedWith(a client.Attempt) string {
	if a.SignedWith == nil {
		return ""
	}
	return "the " + string(*a.SignedWith) + " secret"
}

func newDeliveriesAttempts() *cobra.Command {
	cmd := &cobra.Command{
		Use: "attempts DELIVERY", Short: "List a delivery's attempts, newest first; as JSON with headers and bodies", Args: cobra.ExactArgs(1),
		ValidArgsFunction: first(deliveryIDs),
	}
	var p paging
	p.add(cmd)
	cmd.RunE = connected(func(ctx context.Context, s *session, args []string) error {
		return list(s, p, s.api.Deliveries.AllAttempts(ctx, args[0], client.ListOptions{Limit: p.page()}),
			column[client.Attempt]{"ATTEMPT", func(a client.Attempt) string { return strconv.Itoa(a.Number) }},
			column[client.Attempt]{"STARTED", func(a client.Attempt) string { return when(a.StartedAt) }},
			column[client.Attempt]{"TOOK", func(a client.Attempt) string { return fmt.Sprintf("%d ms", a.DurationMS) }},
			column[client.Attempt]{"ANSWER", func(a client.Attempt) string { return number(a.StatusCode) }},
			column[client.Attempt]{"ERROR", func(a client.Attempt) string { return failure(a.Error, a.ErrorClass, a.StatusCode) }})
	})
	return cmd
}
