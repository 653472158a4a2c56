package api

import (
	"encoding/json"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/postrider/postrider/internal/webhook"
)

// patched is an endpoint that has everything.
func patched() webhook.Endpoint {
	timeout, rate, inFlight := 5*time.Second, 10, 7
	return webhook.Endpoint{
		URL: "https://a.example/", Events: []string{"a", "b.*"}, Filters: json.RawMessage(`{"a":{"$gt":1}}`), Description: "d", IsActive: true,
		Secret: "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", Headers: map[string]string{"X-A": "1", "authorization": "s3cret"}, Timeout: &timeout,
		RetrySchedule: []time.Duration{}, RateLimit: &rate, MaxInFlight: &inFlight, Format: webhook.FormatRaw, Metadata: json.RawMessage(`{"a":{"b":1.0,"c":[]},"d":"<"}`),
	}
}

// FuzzPatch holds a patch against merging by hand and reading the result anew.
func FuzzPatch(f *testing.F) {
	for _, seed := range []string{
		`{}`, `{"url":"https://b.example/","events":["*"],"filters":null,"secret":null}`, `{"headers":{"x-a":"2","AUTHORIZATION":"***","X-B":"3"}}`,
		`{"headers":{"X-A":null,"x-a":"2"}}`, `{"metadata":{"a":{"b":null},"e":{"f":null}},"timeout":null,"rate_limit":null,"retry_schedule":null}`,
		`{"events":null}`, `{"url":null}`, `[]`, `{"url":1}`, `{"url":"a","\u0075rl":"b"}`, `{"is_active":null,"description":null,"max_in_flight":1e1}`,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		if !readable(body) || len(body) > 4<<10 {
			return
		}
		got := patched()
		err := patch(&got, body)
		merged, ok := mergeByHand(t, body)
		bad := "no patch"
		var want webhook.Endpoint
		if ok {
			want, bad = referenceEndpoint(merged)
		}
		if (err == nil) != (bad == "") {
			t.Fatalf("%s: %v, want what is wrong to be %q", body, err, bad)
		}
		if err != nil {
			if !reflect.DeepEqual(got, patched()) {
				t.Fatalf("%s is refused (%v), and yet changed the endpoint", body, err)
			}
			return
		}
		sameEndpoint(t, body, got, want)
		// Once more changes nothing.
		again := got
		if err := patch(&again, body); err != nil {
			t.Fatalf("%s: twice: %v", body, err)
		}
		sameEndpoint(t, body, again, got)
	})
}

func sameEndpoint(t *testing.T, body []byte, got, want webhook.Endpoint) {
	t.Helper()
	a, b := anyOf(t, orEmpty(got.Metadata)), anyOf(t, orEmpty(want.Metadata)) // their order says nothing
	got.Metadata, want.Metadata = nil, nil
	if want.Secret == "" {
		want.Secret = patched().Secret
	}
	if len(got.Headers)+len(want.Headers) == 0 {
		got.Headers, want.Headers = nil, nil
	}
	if !reflect.DeepEqual(got, want) || !reflect.DeepEqual(a, b) {
		t.Fatalf("%s made %+v with %v, want %+v with %v", body, got, a, want, b)
	}
}

// mergeByHand returns what a caller would have sent to get the patched endpoint;
// ok is false for what is no patch.
func mergeByHand(t *testing.T, body []byte) (merged []byte, ok bool) {
	names, values, ok := referenceMembers(body)
	if !ok {
		return nil, false
	}
	e := patched()
	var raw map[string]json.RawMessage
	if err := json.Unmarshal(encodeJSON(inputOf(&e)), &raw); err != nil {
		t.Fatal(err)
	}
	in := make(map[string]any, len(raw))
	for name, value := range raw {
		in[name] = value
	}
	seen := map[string]bool{}
	for i, name := range names {
		if seen[name] {
			return nil, false
		}
		seen[name] = true
		null := string(values[i]) == "null"
		switch {
		case name == "secret" && null:
			return nil, false
		case name == "metadata" && !null:
			in[name] = referenceMerge(anyOf(t, e.Metadata), anyOf(t, values[i]))
		case name == "headers" && !null:
			if in[name], ok = mergeHeadersByHand(e.Headers, values[i]); !ok {
				return nil, false
			}
		default:
			in[name] = values[i]
		}
	}
	return encodeJSON(in), true
}

func mergeHeadersByHand(old map[string]string, patch json.RawMessage) (map[string]json.RawMessage, bool) {
	names, values, ok := referenceMembers(patch)
	if !ok {
		return nil, false
	}
	out := map[string]json.RawMessage{}
	for name, value := range old {
		out[name], _ = json.Marshal(value)
	}
	seen := map[string]bool{}
	for i, name := range names {
		if seen[strings.ToLower(name)] {
			return nil, false
		}
		seen[strings.ToLower(name)] = true
		known := ""
		for earlier := range old {
			if strings.EqualFold(earlier, name) {
				known = earlier
			}
		}
		var text string
		if known != "" && json.Unmarshal(values[i], &text) == nil && text == "***" {
			continue
		}
		delete(out, known)
		if string(values[i]) != "null" {
			out[name] = values[i]
		}
	}
	return out, true
}
