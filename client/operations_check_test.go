package client

import (
	"bytes"
	"encoding/json"
	"io"
	"maps"
	"net/http"
	"reflect"
	"slices"
	"strings"
	"testing"
)

// exchange answers every request with the description's own example.
type exchange struct {
	status int
	kind   string
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
		StatusCode: e.status, Header: http.Header{"Content-Type": {e.kind}},
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
				asked := map[string]bool{} // by all of its methods: a list may have one that narrows it, and one that does not
				for _, m := range calls {
					maps.Copy(asked, checkCall(t, d, strings.ToUpper(method), path, &op, m))
				}
				if want := parameters(d, &op, "query"); !maps.Equal(asked, want) {
					t.Errorf("its methods ask with the parameters %v, the API has %v", asked, want)
				}
			})
		}
	}
}

func checkCall(t *testing.T, d *described, method, path string, op *operation, m made) map[string]bool {
	status, answer := exampleOf(t, op, m.status)
	e := &exchange{status: status, answer: answer, kind: "application/json"}
	if op.ID == "openStream" {
		e.kind, e.answer = "text/event-stream", asMessages(t, answer)
	}
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
	asked := map[string]bool{}
	for name := range e.asked.URL.Query() {
		asked[name] = true
	}
	return asked
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
		if stream := r.Content["text/event-stream"].Example; stream != nil {
			return n, stream
		}
		return n, r.Content["application/json"].Example
	}
	t.Fatalf("%s has no answer %s", op.ID, status)
	return 0, nil
}

// asMessages writes a list of messages as server-sent events.
func asMessages(t *testing.T, list []byte) (out []byte) {
	t.Helper()
	var messages []struct {
		ID    string          `json:"id"`
		Event string          `json:"event"`
		Data  json.RawMessage `json:"data"`
	}
	if err := json.Unmarshal(list, &messages); err != nil {
		t.Fatal(err)
	}
	for _, m := range messages {
		var data bytes.Buffer
		if err := json.Compact(&data, m.Data); err != nil {
			t.Fatal(err)
		}
		out = append(out, "id: "+m.ID+"\nevent: "+m.Event+"\ndata: "+data.String()+"\n\n"...)
	}
	return out
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

// checkParameters: the headers that go with every call are those of its operation.
func checkParameters(t *testing.T, d *described, op *operation, e *exchange, method string) {
	t.Helper()
	headers := parameters(d, op, "header")
	for _, name := range []string{"X-Workspace-ID", "Idempotency-Key"} {
		if given := e.asked.Header.Get(name) != ""; given != headers[name] {
			t.Errorf("%s sends %s: %t, but the API takes it: %t", method, name, given, headers[name])
		}
	}
}

// parameters are the names of those that an operation takes there.
func parameters(d *described, op *operation, in string) map[string]bool {
	names := map[string]bool{}
	for _, p := range op.Parameters {
		if p.Ref != "" {
			p = d.Components.Parameters[p.Ref[strings.LastIndexByte(p.Ref, '/')+1:]]
		}
		if p.In == in {
			names[p.Name] = true
		}
	}
	return names
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
