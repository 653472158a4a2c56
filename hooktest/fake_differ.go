package hooktest

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
)

// differ says where two JSON values differ, by JSON pointers.
func differ(want, got json.RawMessage) []string {
	a, errA := decoded(want)
	b, errB := decoded(got)
	if errA != nil || errB != nil {
		return []string{fmt.Sprintf("want %s, got %s", want, got)}
	}
	return differences("", a, b)
}

// decoded keeps numbers as they are spelt.
func decoded(raw json.RawMessage) (v any, err error) {
	d := json.NewDecoder(bytes.NewReader(raw))
	d.UseNumber()
	return v, d.Decode(&v)
}

func differences(at string, want, got any) []string {
	switch want := want.(type) {
	case map[string]any:
		if got, ok := got.(map[string]any); ok {
			return inObject(at, want, got)
		}
	case []any:
		if got, ok := got.([]any); ok {
			return inArray(at, want, got)
		}
	case json.Number:
		if got, ok := got.(json.Number); ok && sameNumber(want, got) {
			return nil
		}
	default: // text, true, false and null
		if want == got {
			return nil
		}
	}
	return []string{fmt.Sprintf("%s: want %s, got %s", orWhole(at), text(want), text(got))}
}

func inObject(at string, want, got map[string]any) (out []string) {
	names := maps.Clone(want)
	maps.Copy(names, got)
	for _, name := range slices.Sorted(maps.Keys(names)) {
		here := at + "/" + strings.NewReplacer("~", "~0", "/", "~1").Replace(name)
		w, wanted := want[name]
		g, there := got[name]
		switch {
		case !there:
			out = append(out, fmt.Sprintf("%s: want %s, is missing", here, text(w)))
		case !wanted:
			out = append(out, fmt.Sprintf("%s: is not wanted, got %s", here, text(g)))
		default:
			out = append(out, differences(here, w, g)...)
		}
	}
	return out
}

func inArray(at string, want, got []any) (out []string) {
	if len(want) != len(got) {
		return []string{fmt.Sprintf("%s: want %d elements, got %d: %s", orWhole(at), len(want), len(got), text(got))}
	}
	for i := range want {
		out = append(out, differences(at+"/"+strconv.Itoa(i), want[i], got[i])...)
	}
	return out
}

// sameNumber: 1, 1.0 and 1e0 are the same; whole numbers are compared digit by digit.
func sameNumber(a, b json.Number) bool {
	if a == b {
		return true
	}
	if !strings.ContainsAny(string(a)+string(b), ".eE") {
		return false
	}
	x, errA := a.Float64()
	y, errB := b.Float64()
	return errA == nil && errB == nil && x == y
}

func text(v any) string {
	raw, err := json.Marshal(v)
	if err != nil {
		return fmt.Sprint(v)
	}
	return shorten(string(raw))
}

func orWhole(at string) string {
	if at == "" {
		return "the payload"
	}
	return at
}
