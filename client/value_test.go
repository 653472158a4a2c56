package client

import (
	"testing"
)

func TestWorkspaceID(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]WorkspaceID{`456`: "456", `"456"`: "456", `"ws_a"`: "ws_a", `0`: "0"} {
		var got WorkspaceID
		if err := got.UnmarshalJSON([]byte(text)); err != nil || got != want {
			t.Errorf("%s is read as %q, %v", text, got, err)
		}
	}
	for _, text := range []string{`{}`, `true`, `[1]`, ``, `null`} {
		var got WorkspaceID
		if err := got.UnmarshalJSON([]byte(text)); err == nil {
			t.Errorf("%s is read as %q", text, got)
		}
	}
}

func TestPatch(t *testing.T) {
	t.Parallel()
	for want, p := range map[string]EndpointPatch{
		`{}`:                          {},
		`{"rate_limit":null}`:         {RateLimit: Null[int]()},
		`{"rate_limit":5}`:            {RateLimit: Set(5)},
		`{"is_active":false}`:         {IsActive: Set(false)},
		`{"retry_schedule":[]}`:       {RetrySchedule: Set([]int{})},
		`{"headers":{"A":null}}`:      {Headers: Set(map[string]*string{"A": nil})},
		`{"url":"https://a.example"}`: {URL: new("https://a.example")},
		`{"filters":{"a":"<"}}`:       {Filters: Set[any](map[string]any{"a": "<"})},
	} {
		if raw, err := encode(p); err != nil || string(raw) != want {
			t.Errorf("%s, %v, want %s", raw, err, want)
		}
	}
}
