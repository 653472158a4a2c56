package e2e

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/postrider/postrider/client"
	"github.com/postrider/postrider/test/e2e/stack"
)

func clientsEvents(t *testing.T, c *client.Client, e, failing client.Endpoint) {
	t.Helper()
	ctx := t.Context()
	a := must(c.Dispatch(ctx, "post.created", map[string]any{"id": 1, "status": "published"}, client.WithID("first"), client.WithWait(10*time.Second)))(t)
	if a.Deliveries != 2 || a.Waited != client.WaitedSettled || len(a.Outcomes) != 2 {
		t.Fatalf("accepted %+v", a)
	}
	if again := must(c.Dispatch(ctx, "post.created", map[string]any{"id": 1}, client.WithID("first")))(t); again.Deliveries != 2 {
		t.Errorf("accepted again %+v", again)
	}
	if got := must(c.Events.Get(ctx, "first"))(t); string(got.Data) != `{"id":1,"status":"published"}` {
		t.Errorf("got %+v", got)
	}
	batch := must(c.DispatchBatch(ctx, []client.NewEvent{
		{Type: "comment.created", Data: map[string]any{"id": 1}}, {Type: "post.created", Data: map[string]any{"title": "without an id"}, OrderingKey: "k"},
	}))(t)
	if batch[0].Deliveries != 1 || len(batch[1].Warnings) == 0 {
		t.Errorf("accepted %+v", batch)
	}
	if n := count(t, c.Events.All(ctx, client.EventFilter{Limit: 2, Since: time.Now().Add(-time.Hour)})); n != 3 {
		t.Errorf("there are %d events", n)
	}
	if n := count(t, c.Events.AllDeliveries(ctx, "first", client.EventDeliveryFilter{Limit: 1})); n != 2 {
		t.Errorf("there are %d deliveries of the event", n)
	}
	for m, err := range c.Stream(ctx, client.StreamOptions{Types: []string{"comment.*"}, Since: time.Now().Add(-time.Hour)}) {
		if err != nil || m.Event != nil && (m.Event.ID != batch[0].ID || m.Event.DeliverAt != nil) {
			t.Errorf("the stream has %+v, %v", m.Event, err)
		}
		if err != nil || m.Event != nil {
			break
		}
	}
	clientsExplanations(t, c, e, batch[0])
	clientsDeliveries(t, c, e, failing)
}

func clientsExplanations(t *testing.T, c *client.Client, e client.Endpoint, other client.Accepted) {
	t.Helper()
	ctx := t.Context()
	why := must(c.Explain.Event(ctx, other.ID, client.ExplainFilter{EndpointID: e.ID}))(t)
	if len(why.Data) != 1 || *why.Data[0].Reason != client.ReasonTypeMismatch {
		t.Errorf("explained as %+v", why)
	}
	in := client.ExplainInput{Type: "post.created", Data: map[string]any{"status": "draft"}}
	dry := must(c.Explain.DryRun(ctx, in, client.ExplainFilter{EndpointID: e.ID}))(t)
	if len(dry.Data) != 1 || *dry.Data[0].Reason != client.ReasonFilterMismatch || string(dry.Data[0].Found) != `"draft"` {
		t.Errorf("explained as %+v", dry)
	}
	if n := count(t, c.Explain.AllOfEvent(ctx, other.ID, client.ExplainFilter{Limit: 1})) + count(t, c.Explain.AllOfDryRun(ctx, in, client.ExplainFilter{Limit: 1})); n != 4 {
		t.Errorf("%d endpoints are explained", n)
	}
}

func clientsDeliveries(t *testing.T, c *client.Client, e, failing client.Endpoint) {
	t.Helper()
	ctx := t.Context()
	page := must(c.Deliveries.List(ctx, client.DeliveryFilter{EndpointID: failing.ID, EventID: "first"}))(t)
	if len(page.Data) != 1 || page.Data[0].Status != client.DeliveryFailed || *page.Data[0].ErrorClass != client.ErrorStatus {
		t.Fatalf("got %+v", page)
	}
	failed := page.Data[0]
	if got := must(c.Deliveries.Get(ctx, failed.ID))(t); got.Attempts != 1 || *got.StatusCode != 500 {
		t.Errorf("got %+v", got)
	}
	for a, err := range c.Deliveries.AllAttempts(ctx, failed.ID, client.ListOptions{}) {
		if err != nil || a.Number != 1 || a.RequestHeaders["X-Webhook-Event"] != "post.created" {
			t.Errorf("the attempt is %+v, %v", a, err)
		}
	}
	if got := must(c.Deliveries.Request(ctx, failed.ID, 0))(t); !got.AsSent || got.Body == nil {
		t.Errorf("the request is %+v", got)
	}
	if got := must(c.Deliveries.Verify(ctx, failed.ID, client.VerifyInput{}))(t); !got.Verified {
		t.Errorf("what was sent does not verify: %+v", got)
	}
	if got := must(c.Replays.Start(ctx, client.DeliveriesReplayInput{DeliveryIDs: []string{failed.ID}}))(t); got.Total != 1 {
		t.Errorf("the replay of a chosen one is %+v", got)
	}
	if got := must(c.Endpoints.StatsOf(ctx, []string{e.ID, failing.ID}, ""))(t); len(got) != 2 {
		t.Errorf("%d endpoints have statistics", len(got))
	}
	must(c.Deliveries.Retry(ctx, failed.ID))(t)
	later := must(c.Dispatch(ctx, "post.created", map[string]any{"id": 2, "status": "published"}, client.WithDeliverAt(time.Now().Add(time.Hour)), client.WithEndpoints(e.ID)))(t)
	for d, err := range c.Events.AllDeliveries(ctx, later.ID, client.EventDeliveryFilter{Status: client.DeliveryPending}) {
		if err != nil {
			t.Fatal(err)
		}
		if got := must(c.Deliveries.Cancel(ctx, d.ID))(t); got.Status != client.DeliveryCanceled {
			t.Errorf("canceled as %+v", got)
		}
	}
	if n := count(t, c.Endpoints.AllDeliveries(ctx, e.ID, client.EventDeliveryFilter{Status: client.DeliveryCanceled})); n != 1 {
		t.Errorf("%d were canceled", n)
	}
	if n := count(t, c.Deliveries.All(ctx, client.DeliveryFilter{Limit: 1, Type: "post.created"})); n != 4 {
		t.Errorf("there are %d deliveries", n)
	}
	if feed := must(c.Endpoints.Feed(ctx, e.ID, client.FeedOptions{Limit: 1}))(t); feed.NextCursor == "" {
		t.Errorf("the feed is %+v", feed)
	}
	for _, stats := range []client.Stats{must(c.Stats.Get(ctx, client.Window1h))(t), must(c.Endpoints.Stats(ctx, e.ID, ""))(t)} {
		if stats.WorkspaceID != "7456" || len(stats.Series) == 0 || stats.Deliveries.Total == 0 {
			t.Errorf("the statistics are %+v", stats)
		}
	}
}

// clientsBatcher: each event is accepted once, and what is refused stops nothing.
func clientsBatcher(t *testing.T, c *client.Client, e client.Endpoint) {
	t.Helper()
	var refused []string
	b := c.NewBatcher(client.BatcherConfig{MaxEvents: 40, MaxDelay: time.Millisecond, OnError: func(in client.NewEvent, err error) {
		refused = append(refused, in.Type+" "+string(client.CodeOf(err)))
	}})
	for i := range 100 {
		eventType := "batched.post"
		if i%40 == 7 {
			eventType = "no type"
		}
		if err := b.Dispatch(t.Context(), eventType, map[string]any{"i": i}, client.WithEndpoints(e.ID)); err != nil {
			t.Fatal(err)
		}
	}
	if err := b.Close(t.Context()); client.CodeOf(err) != client.CodeInvalid {
		t.Errorf("Close says %v", err)
	}
	if got := fmt.Sprint(refused); got != "[no type invalid no type invalid no type invalid]" {
		t.Errorf("refused were %s", got)
	}
	if n := count(t, c.Events.All(t.Context(), client.EventFilter{Type: "batched.post"})); n != 97 {
		t.Errorf("%d were accepted", n)
	}
}

func clientsReplays(t *testing.T, c *client.Client, e client.Endpoint) {
	t.Helper()
	ctx := t.Context()
	if r := must(c.Events.Replay(ctx, "first", client.EventReplayInput{EndpointIDs: []string{e.ID}}))(t); r.Total != 1 || r.Status != client.ReplayDone {
		t.Errorf("the event's replay is %+v", r)
	}
	in := client.EndpointReplayInput{Since: time.Now().Add(-time.Hour), Statuses: []client.ReplayOf{client.ReplayOfCanceled}}
	if n := must(c.Endpoints.CountReplay(ctx, e.ID, in))(t); n.Total != 1 {
		t.Errorf("would replay %d", n.Total)
	}
	// Nobody takes it up: no scheduler runs.
	r := must(c.Endpoints.Replay(ctx, e.ID, in))(t)
	if got := must(c.Replays.Cancel(ctx, r.ID))(t); got.Status != client.ReplayCanceled || *got.EndpointID != e.ID {
		t.Errorf("canceled as %+v", got)
	}
	if got := must(c.Replays.Get(ctx, r.ID))(t); got.Status != client.ReplayCanceled {
		t.Errorf("got %+v", got)
	}
	if n := count(t, c.Replays.All(ctx, client.ListOptions{Limit: 1})); n != 3 {
		t.Errorf("there are %d replays", n)
	}
	rotated := must(c.Endpoints.Rotate(ctx, e.ID, client.RotateInput{Overlap: new(3600)}))(t)
	if got := must(c.Endpoints.Promote(ctx, e.ID))(t); got.Secret != rotated.Secret || got.PreviousSecret != "" {
		t.Errorf("promoted to %+v", got)
	}
}

// clientsErrors are typed, whatever they are.
func clientsErrors(t *testing.T, c *client.Client) {
	t.Helper()
	ctx := t.Context()
	_, err := c.Dispatch(ctx, "no type", map[string]any{})
	var e *client.Error
	if !errors.As(err, &e) || e.Status != 422 || e.Code != client.CodeInvalid || e.RequestID == "" || len(e.Errors) != 1 || e.Errors[0].Pointer != "/type" {
		t.Errorf("got %+v", e)
	}
	for code, err := range map[client.Code]error{
		client.CodeNotFound:  second(c.Events.Get(ctx, "none")),
		client.CodeForbidden: second(c.Workspaces.Get(ctx, "7456")),
	} {
		if client.CodeOf(err) != code {
			t.Errorf("got %v, want %s", err, code)
		}
	}
}

func second[T any](_ T, err error) error { return err }

func clientsEnd(t *testing.T, admin, c *client.Client, e client.Endpoint, key client.Key) {
	t.Helper()
	ctx := t.Context()
	if err := c.Endpoints.Delete(ctx, e.ID); err != nil {
		t.Error(err)
	}
	entries := must(admin.In("7456").AuditLog.List(ctx, client.AuditFilter{Action: "deleteEndpoint", Actor: key.ID}))(t)
	if len(entries.Data) != 1 || entries.Data[0].Target != e.ID || entries.Data[0].TargetKind != client.TargetEndpoint {
		t.Errorf("the audit log has %+v", entries)
	}
	if n := count(t, admin.AuditLog.All(ctx, client.AuditFilter{Limit: 5})); n < 10 {
		t.Errorf("the audit log has %d entries", n)
	}
	if n := count(t, admin.Keys.All(ctx, "7456", client.ListOptions{})); n != 1 {
		t.Errorf("there are %d keys", n)
	}
	if err := errors.Join(admin.Keys.Revoke(ctx, "7456", key.ID), admin.Workspaces.Delete(ctx, "7456")); err != nil {
		t.Error(err)
	}
	stack.Eventually(t, "the revoked key is refused", func() bool {
		return client.CodeOf(second(c.Events.Get(ctx, "first"))) == client.CodeUnauthorized
	})
}
