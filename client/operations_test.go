package client

import (
	"context"
	"time"
)

// made is one call of a method, with everything given that can be.
type made struct {
	method string // of the client, Service.Name
	call   func(context.Context, *Client) (any, error)
	// status of the answer, where the operation has several.
	status string
}

// operations are the methods by the operation that they are for. It is by this
// table that a route without a method is noticed.
var operations = map[string][]made{
	"getHealth":      {{method: "Client.Health", call: func(ctx context.Context, c *Client) (any, error) { return nil, c.Health(ctx) }}},
	"getDescription": {{method: "Client.Description", call: func(ctx context.Context, c *Client) (any, error) { return c.Description(ctx) }}},
	"publishEvent": {
		{method: "Events.Publish", call: func(ctx context.Context, c *Client) (any, error) { return c.Events.Publish(ctx, fullEvent()) }, status: "202"},
		{method: "Client.Dispatch", call: func(ctx context.Context, c *Client) (any, error) {
			e := fullEvent()
			return c.Dispatch(ctx, e.Type, e.Data, WithID(e.ID), WithCreatedAt(e.CreatedAt), WithEndpoints(e.EndpointIDs...),
				WithDeliverAt(e.DeliverAt), WithOrderingKey(e.OrderingKey), WithWait(time.Second))
		}, status: "202"},
	},
	"publishEvents": {
		{method: "Events.PublishBatch", call: func(ctx context.Context, c *Client) (any, error) {
			got, err := c.Events.PublishBatch(ctx, []NewEvent{fullEvent()})
			return publishedBatch{got}, err
		}},
		{method: "Client.DispatchBatch", call: func(ctx context.Context, c *Client) (any, error) {
			got, err := c.DispatchBatch(ctx, []NewEvent{fullEvent()})
			return publishedBatch{got}, err
		}},
	},
	"listEvents": {{method: "Events.List", call: func(ctx context.Context, c *Client) (any, error) {
		return c.Events.List(ctx, EventFilter{Type: "a", Since: someTime, Until: someTime, Limit: 3, Cursor: "x"})
	}}},
	"getEvent": {{method: "Events.Get", call: func(ctx context.Context, c *Client) (any, error) { return c.Events.Get(ctx, "id") }}},
	"listEventDeliveries": {{method: "Events.Deliveries", call: func(ctx context.Context, c *Client) (any, error) {
		return c.Events.Deliveries(ctx, "id", fullFilter())
	}}},
	"replayEvent": {{method: "Events.Replay", call: func(ctx context.Context, c *Client) (any, error) {
		return c.Events.Replay(ctx, "id", EventReplayInput{EndpointIDs: []string{"ep"}})
	}}},
	"createEndpoint": {{method: "Endpoints.Create", call: func(ctx context.Context, c *Client) (any, error) {
		return c.Endpoints.Create(ctx, EndpointInput{
			URL: "u", Events: []string{"*"}, Filters: object, Secret: new("s"), Description: "d", IsActive: new(true), Headers: map[string]string{"A": "b"},
			Timeout: new(1), RetrySchedule: []int{}, RateLimit: new(1), MaxInFlight: new(1), Format: FormatRaw, Metadata: object,
		})
	}}},
	"checkEndpoint": {{method: "Endpoints.Check", call: func(ctx context.Context, c *Client) (any, error) {
		return c.Endpoints.Check(ctx, EndpointInput{
			URL: "u", Events: []string{"*"}, Filters: object, Secret: new("s"), Description: "d", IsActive: new(true), Headers: map[string]string{"A": "b"},
			Timeout: new(1), RetrySchedule: []int{}, RateLimit: new(1), MaxInFlight: new(1), Format: FormatRaw, Metadata: object,
		})
	}}},
	"listEndpoints": {{method: "Endpoints.List", call: func(ctx context.Context, c *Client) (any, error) { return c.Endpoints.List(ctx, fullPage) }}, {method: "Endpoints.Find", call: func(ctx context.Context, c *Client) (any, error) {
		return c.Endpoints.Find(ctx, EndpointFilter{EndpointFailing, "a", 3, "x"})
	}}},
	"getEndpoint": {{method: "Endpoints.Get", call: func(ctx context.Context, c *Client) (any, error) { return c.Endpoints.Get(ctx, "id") }}},
	"updateEndpoint": {{method: "Endpoints.Update", call: func(ctx context.Context, c *Client) (any, error) {
		return c.Endpoints.Update(ctx, "id", EndpointPatch{
			URL: new("u"), Events: []string{"*"}, Filters: Null[any](), Secret: new("s"), Description: Set("d"), IsActive: Set(true), Headers: Null[map[string]*string](),
			Timeout: Null[int](), RetrySchedule: Set([]int{}), RateLimit: Set(1), MaxInFlight: Set(1), Format: Set(FormatRaw), Metadata: Set(object),
		})
	}}},
	"deleteEndpoint":    {{method: "Endpoints.Delete", call: func(ctx context.Context, c *Client) (any, error) { return nil, c.Endpoints.Delete(ctx, "id") }}},
	"getEndpointSecret": {{method: "Endpoints.Secret", call: func(ctx context.Context, c *Client) (any, error) { return c.Endpoints.Secret(ctx, "id") }}},
	"rotateEndpointSecret": {{method: "Endpoints.Rotate", call: func(ctx context.Context, c *Client) (any, error) {
		return c.Endpoints.Rotate(ctx, "id", RotateInput{new("s"), new(0)})
	}}},
	"promoteEndpointSecret": {{method: "Endpoints.Promote", call: func(ctx context.Context, c *Client) (any, error) { return c.Endpoints.Promote(ctx, "id") }}},
	"testEndpoint": {{method: "Endpoints.Test", call: func(ctx context.Context, c *Client) (any, error) {
		return c.Endpoints.Test(ctx, "id", TestInput{new("a"), object})
	}}},
	"diagnoseEndpoint": {{method: "Endpoints.Diagnose", call: func(ctx context.Context, c *Client) (any, error) { return c.Endpoints.Diagnose(ctx, "id") }}},
	"replayEndpoint": {
		{method: "Endpoints.Replay", call: func(ctx context.Context, c *Client) (any, error) { return c.Endpoints.Replay(ctx, "id", fullReplay()) }, status: "202"},
		{method: "Endpoints.CountReplay", call: func(ctx context.Context, c *Client) (any, error) {
			return c.Endpoints.CountReplay(ctx, "id", fullReplay())
		}, status: "200"},
	},
	"readEndpointFeed": {{method: "Endpoints.Feed", call: func(ctx context.Context, c *Client) (any, error) {
		return c.Endpoints.Feed(ctx, "id", FeedOptions{Since: someTime, Limit: 7, Cursor: "x"})
	}}},
	"openStream": {{method: "Client.Stream", call: func(ctx context.Context, c *Client) (any, error) {
		for m, err := range c.Stream(ctx, StreamOptions{
			Kinds: []StreamKind{StreamEvents, StreamAttempts}, Types: []string{"post.*", "a"}, Endpoint: "ep", Format: FormatRaw, Since: someTime, Position: "x",
		}) {
			return []map[string]any{{"id": m.Position, "event": "event", "data": m.Event}}, err
		}
		return nil, nil
	}}},
	"getEndpointStats": {{method: "Endpoints.Stats", call: func(ctx context.Context, c *Client) (any, error) { return c.Endpoints.Stats(ctx, "id", Window1h) }}},
	"listEndpointDeliveries": {{method: "Endpoints.Deliveries", call: func(ctx context.Context, c *Client) (any, error) {
		return c.Endpoints.Deliveries(ctx, "id", fullFilter())
	}}},
	"listDeliveries": {{method: "Deliveries.List", call: func(ctx context.Context, c *Client) (any, error) {
		return c.Deliveries.List(ctx, DeliveryFilter{DeliveryFailed, "ep", "evt", "a", someTime, someTime, 3, "x", Answer5xx, ErrorStatus})
	}}},
	"getDelivery":        {{method: "Deliveries.Get", call: func(ctx context.Context, c *Client) (any, error) { return c.Deliveries.Get(ctx, "id") }}},
	"listAttempts":       {{method: "Deliveries.Attempts", call: func(ctx context.Context, c *Client) (any, error) { return c.Deliveries.Attempts(ctx, "id", fullPage) }}},
	"getDeliveryRequest": {{method: "Deliveries.Request", call: func(ctx context.Context, c *Client) (any, error) { return c.Deliveries.Request(ctx, "id", 3) }}},
	"verifyDelivery": {{method: "Deliveries.Verify", call: func(ctx context.Context, c *Client) (any, error) {
		return c.Deliveries.Verify(ctx, "id", VerifyInput{3, map[string]string{"a": "b"}, "v1,x", new("{}"), someTime})
	}}},
	"retryDelivery":  {{method: "Deliveries.Retry", call: func(ctx context.Context, c *Client) (any, error) { return c.Deliveries.Retry(ctx, "id") }}},
	"cancelDelivery": {{method: "Deliveries.Cancel", call: func(ctx context.Context, c *Client) (any, error) { return c.Deliveries.Cancel(ctx, "id") }}},
	"replayDeliveries": {{method: "Replays.Start", call: func(ctx context.Context, c *Client) (any, error) {
		return c.Replays.Start(ctx, DeliveriesReplayInput{DeliveryIDs: []string{"dlv"}})
	}}},
	"listReplays":    {{method: "Replays.List", call: func(ctx context.Context, c *Client) (any, error) { return c.Replays.List(ctx, fullPage) }}},
	"getReplay":      {{method: "Replays.Get", call: func(ctx context.Context, c *Client) (any, error) { return c.Replays.Get(ctx, "id") }}},
	"cancelReplay":   {{method: "Replays.Cancel", call: func(ctx context.Context, c *Client) (any, error) { return c.Replays.Cancel(ctx, "id") }}},
	"listEventTypes": {{method: "EventTypes.List", call: func(ctx context.Context, c *Client) (any, error) { return c.EventTypes.List(ctx, fullPage) }}},
	"getEventType":   {{method: "EventTypes.Get", call: func(ctx context.Context, c *Client) (any, error) { return c.EventTypes.Get(ctx, "id") }}},
	"putEventType": {{method: "EventTypes.Put", call: func(ctx context.Context, c *Client) (any, error) {
		return c.EventTypes.Put(ctx, "id", EventTypeInput{"d", object, ValidationWarn, object})
	}, status: "200"}},
	"deleteEventType": {{method: "EventTypes.Delete", call: func(ctx context.Context, c *Client) (any, error) { return nil, c.EventTypes.Delete(ctx, "id") }}},
	"listEventTypeTemplates": {{method: "EventTypes.Templates", call: func(ctx context.Context, c *Client) (any, error) {
		got, err := c.EventTypes.Templates(ctx, "post")
		return Page[EventTypeTemplate]{Data: got}, err
	}}},
	"explainEvent": {{method: "Explain.Event", call: func(ctx context.Context, c *Client) (any, error) {
		return c.Explain.Event(ctx, "id", ExplainFilter{"ep", 3, "x"})
	}}},
	"explainDryRun": {{method: "Explain.DryRun", call: func(ctx context.Context, c *Client) (any, error) {
		return c.Explain.DryRun(ctx, ExplainInput{"a", object}, ExplainFilter{"ep", 3, "x"})
	}}},
	"getStats": {{method: "Stats.Get", call: func(ctx context.Context, c *Client) (any, error) { return c.Stats.Get(ctx, Window7d) }}},
	"createWorkspace": {{method: "Workspaces.Create", call: func(ctx context.Context, c *Client) (any, error) {
		return c.Workspaces.Create(ctx, WorkspaceInput{"456", "n", []string{"https://a.example"}})
	}}},
	"listWorkspaces": {{method: "Workspaces.List", call: func(ctx context.Context, c *Client) (any, error) { return c.Workspaces.List(ctx, fullPage) }}},
	"getWorkspace":   {{method: "Workspaces.Get", call: func(ctx context.Context, c *Client) (any, error) { return c.Workspaces.Get(ctx, "id") }}},
	"updateWorkspace": {{method: "Workspaces.Update", call: func(ctx context.Context, c *Client) (any, error) {
		return c.Workspaces.Update(ctx, "id", WorkspacePatch{"n", Set([]string{"https://a.example"})})
	}}},
	"deleteWorkspace": {{method: "Workspaces.Delete", call: func(ctx context.Context, c *Client) (any, error) { return nil, c.Workspaces.Delete(ctx, "id") }}},
	"createPortalLink": {{method: "Workspaces.CreatePortalLink", call: func(ctx context.Context, c *Client) (any, error) {
		return c.Workspaces.CreatePortalLink(ctx, "id", PortalLinkInput{[]PortalAbility{PortalView}, new(60)})
	}}},
	"listEndpointHealth": {{method: "Endpoints.Health", call: func(ctx context.Context, c *Client) (any, error) {
		return c.Endpoints.Health(ctx, "ep", fullPage)
	}}, {method: "Endpoints.FindHealth", call: func(ctx context.Context, c *Client) (any, error) {
		return c.Endpoints.FindHealth(ctx, EndpointFilter{EndpointFailing, "a", 3, "x"})
	}}},
	"listEndpointStats": {{method: "Endpoints.StatsOf", call: func(ctx context.Context, c *Client) (any, error) {
		got, err := c.Endpoints.StatsOf(ctx, []string{"ep"}, Window7d)
		return Page[Stats]{Data: got}, err
	}}},
	"createKey": {{method: "Keys.Create", call: func(ctx context.Context, c *Client) (any, error) {
		return c.Keys.Create(ctx, "id", KeyInput{"n", []Scope{ScopeEventsRead}})
	}}},
	"listKeys":  {{method: "Keys.List", call: func(ctx context.Context, c *Client) (any, error) { return c.Keys.List(ctx, "id", fullPage) }}},
	"revokeKey": {{method: "Keys.Revoke", call: func(ctx context.Context, c *Client) (any, error) { return nil, c.Keys.Revoke(ctx, "id", "id") }}},
	"getQueues": {{method: "Queues.Get", call: func(ctx context.Context, c *Client) (any, error) { return c.Queues.Get(ctx) }}},
	"listAuditLog": {{method: "AuditLog.List", call: func(ctx context.Context, c *Client) (any, error) {
		return c.AuditLog.List(ctx, AuditFilter{"a", "b", "c", someTime, someTime, 3, "x"})
	}}},
}

// pageForPeople is the operation that has no method: its answer is HTML.
const pageForPeople = "getDocs"

var (
	someTime     = time.Date(2024, 1, 15, 10, 30, 0, 0, time.UTC)
	fullPage     = ListOptions{3, "x"}
	object   any = map[string]any{"a": 1}
)

func fullEvent() NewEvent {
	return NewEvent{"a", object, "id", someTime, []string{"ep"}, someTime, "k", 1}
}

func fullFilter() EventDeliveryFilter {
	return EventDeliveryFilter{DeliveryFailed, "a", someTime, someTime, 3, "x", Answer5xx, ErrorStatus}
}

func fullReplay() EndpointReplayInput {
	return EndpointReplayInput{someTime, someTime, []ReplayOf{ReplayOfFailed}, []string{"a"}, false}
}
