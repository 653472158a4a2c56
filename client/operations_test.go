package client

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"maps"
	"net/http"
	"net/url"
	"os"
	"reflect"
	"slices"
	"strings"
	"testing"
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
	"listEndpoints": {{method: "Endpoints.List", call: func(ctx context.Context, c *Client) (any, error) { return c.Endpoints.List(ctx, fullPage) }}},
	"getEndpoint":   {{method: "Endpoints.Get", call: func(ctx context.Context, c *Client) (any, error) { return c.Endpoints.Get(ctx, "id") }}},
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
	"getEndpointStats": {{method: "Endpoints.Stats", call: func(ctx context.Context, c *Client) (any, error) { return c.Endpoints.Stats(ctx, "id", Window1h) }}},
	"listEndpointDeliveries": {{method: "Endpoints.Deliveries", call: func(ctx context.Context, c *Client) (any, error) {
		return c.Endpoints.Deliveries(ctx, "id", fullFilter())
	}}},
	"listDeliveries": {{method: "Deliveries.List", call: func(ctx context.Context, c *Client) (any, error) {
		return c.Deliveries.List(ctx, DeliveryFilter{DeliveryFailed, "ep", "evt", "a", someTime, someTime, 3, "x"})
	}}},
	"getDelivery":    {{method: "Deliveries.Get", call: func(ctx context.Context, c *Client) (any, error) { return c.Deliveries.Get(ctx, "id") }}},
	"listAttempts":   {{method: "Deliveries.Attempts", call: func(ctx context.Context, c *Client) (any, error) { return c.Deliveries.Attempts(ctx, "id", fullPage) }}},
	"retryDelivery":  {{method: "Deliveries.Retry", call: func(ctx context.Context, c *Client) (any, error) { return c.Deliveries.Retry(ctx, "id") }}},
	"cancelDelivery": {{method: "Deliveries.Cancel", call: func(ctx context.Context, c *Client) (any, error) { return c.Deliveries.Cancel(ctx, "id") }}},
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
		return c.Workspaces.Create(ctx, WorkspaceInput{"456", "n"})
	}}},
	"listWorkspaces": {{method: "Workspaces.List", call: func(ctx context.Context, c *Client) (any, error) { return c.Workspaces.List(ctx, fullPage) }}},
	"getWorkspace":   {{method: "Workspaces.Get", call: func(ctx context.Context, c *Client) (any, error) { return c.Workspaces.Get(ctx, "id") }}},
	"updateWorkspace": {{method: "Workspaces.Update", call: func(ctx context.Context, c *Client) (any, error) {
		return c.Workspaces.Update(ctx, "id", WorkspacePatch{"n"})
	}}},
	"deleteWorkspace": {{method: "Workspaces.Delete", call: func(ctx context.Context, c *Client) (any, error) { return nil, c.Workspaces.Delete(ctx, "id") }}},
	"createKey": {{method: "Keys.Create", call: func(ctx context.Context, c *Client) (any, error) {
		return c.Keys.Create(ctx, "id", KeyInput{"n", []Scope{ScopeEventsRead}})
	}}},
	"listKeys":  {{method: "Keys.List", call: func(ctx context.Context, c *Client) (any, error) { return c.Keys.List(ctx, "id", fullPage) }}},
	"revokeKey": {{method: "Keys.Revoke", call: func(ctx context.Context, c *Client) (any, error) { return nil, c.Keys.Revoke(ctx, "id", "id") }}},
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
	return EventDeliveryFilter{DeliveryFailed, "a", someTime, someTime, 3, "x"}
}

func fullReplay() EndpointReplayInput {
	return EndpointReplayInput{someTime, someTime, []ReplayOf{ReplayOfFailed}, []string{"a"}, false}
}

// exchange answers every request with the description's own example.
type exchange struct {
	status int
	answer []byte
	asked  *http.Request
	body   []byte
}

func (e *exchange) RoundTrip(r *http.Request) (*http.Response, error) {
	e.asked = r
	var err error
	if e.body, err = io.ReadAll(r.Body); err != nil {
		return nil, err
	}
	return &http.Response{
		StatusCode: e.status, Header: http.Header{"Content-Type": {"application/json"}},
		Body: io.NopCloser(bytes.NewReader(e.answer)), Request: r,
	}, nil
}

// TestOperations makes every call once, with all that it can be given, and holds the
// request and what is read of the answer to the description.
func TestOperations(t *testing.T) {
	t.Parallel()
	d := describedAPI(t)
	for path, item := range d.Paths {
		for method, op := range item {
			if op.ID == pageForPeople {
				continue
			}
			t.Run(op.ID, func(t *testing.T) {
				t.Parallel()
				calls := operations[op.ID]
				if len(calls) == 0 {
					t.Fatalf("no method of the client makes %s %s", method, path)
				}
				for _, m := range calls {
					checkCall(t, d, strings.ToUpper(method), path, &op, m)
				}
			})
		}
	}
}

func checkCall(t *testing.T, d *described, method, path string, op *operation, m made) {
	status, answer := exampleOf(t, op, m.status)
	e := &exchange{status: status, answer: answer}
	c := NewWith("http://api.test", "pr_secret", Config{HTTPClient: &http.Client{Transport: e}, Workspace: "456"})
	got, err := m.call(t.Context(), c)
	if err != nil {
		t.Fatalf("%s: %v", m.method, err)
	}
	if want := pathOf(path); e.asked.Method != method || e.asked.URL.Path != want {
		t.Errorf("%s asks %s %s, not %s %s", m.method, e.asked.Method, e.asked.URL.Path, method, want)
	}
	checkParameters(t, d, op, e, m.method)
	checkBody(t, d, op, e, m.method)
	if op.ID != "getHealth" { // nothing of it is read
		checkAnswer(t, answer, got, m.method)
	}
}

// exampleOf is the answer of a success.
func exampleOf(t *testing.T, op *operation, status string) (int, []byte) {
	t.Helper()
	for given, r := range op.Responses {
		if given[0] != '2' || status != "" && status != given {
			continue
		}
		var n int
		if err := json.Unmarshal([]byte(given), &n); err != nil {
			t.Fatal(err)
		}
		return n, r.Content["application/json"].Example
	}
	t.Fatalf("%s has no answer %s", op.ID, status)
	return 0, nil
}

// pathOf has the same id for each parameter.
func pathOf(path string) string {
	parts := strings.Split(path, "/")
	for i, part := range parts {
		if strings.HasPrefix(part, "{") {
			parts[i] = "id"
		}
	}
	return strings.Join(parts, "/")
}

// checkParameters: everything that can be given is, and nothing else.
func checkParameters(t *testing.T, d *described, op *operation, e *exchange, method string) {
	t.Helper()
	want, headers := map[string]bool{}, map[string]bool{}
	for _, p := range op.Parameters {
		if p.Ref != "" {
			p = d.Components.Parameters[p.Ref[strings.LastIndexByte(p.Ref, '/')+1:]]
		}
		switch p.In {
		case "query":
			want[p.Name] = true
		case "header":
			headers[p.Name] = true
		}
	}
	got := map[string]bool{}
	for name := range e.asked.URL.Query() {
		got[name] = true
	}
	if !maps.Equal(got, want) {
		t.Errorf("%s asks with the parameters %v, the API has %v", method, got, want)
	}
	for _, name := range []string{"X-Workspace-ID", "Idempotency-Key"} {
		if given := e.asked.Header.Get(name) != ""; given != headers[name] {
			t.Errorf("%s sends %s: %t, but the API takes it: %t", method, name, given, headers[name])
		}
	}
}

// checkBody: every field of the request's schema is sent, and nothing else.
func checkBody(t *testing.T, d *described, op *operation, e *exchange, method string) {
	t.Helper()
	kind := e.asked.Header.Get("Content-Type")
	if op.RequestBody == nil || len(e.body) == 0 {
		if len(e.body) > 0 || kind != "" {
			t.Errorf("%s sends a body", method)
		}
		return
	}
	content, ok := op.RequestBody.Content[kind]
	if patch := op.RequestBody.Content["application/merge-patch+json"].Schema != nil; !ok || patch != strings.Contains(kind, "patch") {
		t.Errorf("%s sends %s", method, kind)
	}
	var sent map[string]json.RawMessage
	if err := json.Unmarshal(e.body, &sent); err != nil {
		t.Fatal(err)
	}
	schema := d.Components.Schemas[content.Schema.Ref[strings.LastIndexByte(content.Schema.Ref, '/')+1:]]
	got, want := slices.Sorted(maps.Keys(sent)), slices.Sorted(maps.Keys(schema.Properties))
	if method == "Endpoints.Replay" { // it makes no dry run
		want = slices.DeleteFunc(want, func(name string) bool { return name == "dry_run" })
	}
	if !slices.Equal(got, want) {
		t.Errorf("%s sends %v, the API takes %v", method, got, want)
	}
}

// checkAnswer: what was read, written again, is the answer.
func checkAnswer(t *testing.T, answer []byte, got any, method string) {
	t.Helper()
	if len(answer) == 0 {
		return
	}
	raw, err := json.Marshal(got)
	if err != nil {
		t.Fatal(err)
	}
	if a, b := plainOf(t, raw), plainOf(t, answer); !reflect.DeepEqual(a, b) {
		t.Errorf("%s reads\n%v of\n%v", method, a, b)
	}
}

// plainOf has every workspace id as text, as the client has.
func plainOf(t *testing.T, raw []byte) (out any) {
	t.Helper()
	var compact bytes.Buffer
	if err := json.Compact(&compact, raw); err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(bytes.ReplaceAll(compact.Bytes(), []byte(`:456`), []byte(`:"456"`)), &out); err != nil {
		t.Fatal(err)
	}
	return out
}

// TestEveryMethodIsInTheDocumentation, by its name.
func TestEveryMethodIsInTheDocumentation(t *testing.T) {
	t.Parallel()
	page, err := os.ReadFile("../docs/client.md")
	if err != nil {
		t.Fatal(err)
	}
	for name, of := range services() {
		_, row, found := strings.Cut(string(page), "`c."+name+"`")
		row, _, _ = strings.Cut(row, "\n")
		for i := range of.NumMethod() {
			if method := of.Method(i).Name; !found || !strings.Contains(row, "`"+method+"`") {
				t.Errorf("docs/client.md has no %s.%s", name, method)
			}
		}
	}
}

// services are the client's parts.
func services() map[string]reflect.Type {
	out := map[string]reflect.Type{}
	for _, f := range reflect.VisibleFields(reflect.TypeFor[Client]()) {
		if f.IsExported() {
			out[f.Name] = f.Type
		}
	}
	return out
}

// TestEveryMethodIsHeldToTheDescription: a method that is not in the table would be
// held to nothing. Those whose names begin with All go through pages.
func TestEveryMethodIsHeldToTheDescription(t *testing.T) {
	t.Parallel()
	known := map[string]bool{"Client.In": true, "Client.NewBatcher": true, "Client.String": true, "Client.GoString": true}
	for _, calls := range operations {
		for _, m := range calls {
			known[m.method] = true
		}
	}
	check := func(name string, of reflect.Type) {
		for i := range of.NumMethod() {
			if method := of.Method(i).Name; !strings.HasPrefix(method, "All") && !known[name+"."+method] {
				t.Errorf("%s.%s is in no table", name, method)
			}
		}
	}
	check("Client", reflect.TypeFor[*Client]())
	for name, of := range services() {
		check(name, of)
	}
}

// iterators go through the pages of every list, by the path that each asks for.
var iterators = map[string]func(context.Context, *Client, string) (int, error){
	"/v1/events": func(ctx context.Context, c *Client, at string) (int, error) {
		return count(c.Events.All(ctx, EventFilter{Cursor: at}))
	},
	"/v1/events/id/deliveries": func(ctx context.Context, c *Client, at string) (int, error) {
		return count(c.Events.AllDeliveries(ctx, "id", EventDeliveryFilter{Cursor: at}))
	},
	"/v1/endpoints": func(ctx context.Context, c *Client, at string) (int, error) {
		return count(c.Endpoints.All(ctx, ListOptions{Cursor: at}))
	},
	"/v1/endpoints/id/deliveries": func(ctx context.Context, c *Client, at string) (int, error) {
		return count(c.Endpoints.AllDeliveries(ctx, "id", EventDeliveryFilter{Cursor: at}))
	},
	"/v1/deliveries": func(ctx context.Context, c *Client, at string) (int, error) {
		return count(c.Deliveries.All(ctx, DeliveryFilter{Cursor: at}))
	},
	"/v1/deliveries/id/attempts": func(ctx context.Context, c *Client, at string) (int, error) {
		return count(c.Deliveries.AllAttempts(ctx, "id", ListOptions{Cursor: at}))
	},
	"/v1/replays": func(ctx context.Context, c *Client, at string) (int, error) {
		return count(c.Replays.All(ctx, ListOptions{Cursor: at}))
	},
	"/v1/event-types": func(ctx context.Context, c *Client, at string) (int, error) {
		return count(c.EventTypes.All(ctx, ListOptions{Cursor: at}))
	},
	"/v1/events/id/explain": func(ctx context.Context, c *Client, at string) (int, error) {
		return count(c.Explain.AllOfEvent(ctx, "id", ExplainFilter{Cursor: at}))
	},
	"/v1/explain": func(ctx context.Context, c *Client, at string) (int, error) {
		return count(c.Explain.AllOfDryRun(ctx, ExplainInput{"a", object}, ExplainFilter{Cursor: at}))
	},
	"/v1/workspaces": func(ctx context.Context, c *Client, at string) (int, error) {
		return count(c.Workspaces.All(ctx, ListOptions{Cursor: at}))
	},
	"/v1/workspaces/id/keys": func(ctx context.Context, c *Client, at string) (int, error) {
		return count(c.Keys.All(ctx, "id", ListOptions{Cursor: at}))
	},
	"/v1/audit-log": func(ctx context.Context, c *Client, at string) (int, error) {
		return count(c.AuditLog.All(ctx, AuditFilter{Cursor: at}))
	},
}

func count[T any](all func(func(T, error) bool)) (n int, err error) {
	all(func(_ T, e error) bool {
		if err = e; e == nil {
			n++
		}
		return true
	})
	return n, err
}

// pages are three of two each: a cursor is the page's name.
type pages struct{ asked []url.URL }

func (p *pages) RoundTrip(r *http.Request) (*http.Response, error) {
	p.asked = append(p.asked, *r.URL)
	next := map[string]string{"": `"b"`, "b": `"c"`, "c": `null`}[r.URL.Query().Get("cursor")]
	return &http.Response{
		StatusCode: http.StatusOK, Body: io.NopCloser(strings.NewReader(`{"data":[{},{}],"next_cursor":` + next + `}`)), Request: r,
	}, nil
}

func TestIterators(t *testing.T) {
	t.Parallel()
	paged := 0
	for path, item := range describedAPI(t).Paths {
		for _, op := range item {
			if !slices.ContainsFunc(op.Parameters, func(p parameter) bool { return p.Name == "cursor" }) {
				continue
			}
			paged++
			if iterators[pathOf(path)] == nil {
				t.Errorf("%s has no iterator", path)
			}
		}
	}
	if paged != len(iterators) {
		t.Errorf("%d lists have pages, but there are %d iterators", paged, len(iterators))
	}
	for path, iterate := range iterators {
		t.Run(path, func(t *testing.T) {
			t.Parallel()
			for at, want := range map[string]int{"": 6, "b": 4} {
				p := &pages{}
				c := NewWith("http://api.test", "pr_secret", Config{HTTPClient: &http.Client{Transport: p}})
				if n, err := iterate(t.Context(), c, at); err != nil || n != want {
					t.Errorf("from %q there are %d, %v, want %d", at, n, err, want)
				}
				if p.asked[0].Path != path {
					t.Errorf("asks %s", p.asked[0].Path)
				}
			}
		})
	}
}
