package match

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// anyJSON draws small values out of few names and scalars, so that filters and
// events meet often.
func anyJSON(t *rapid.T, depth int) string {
	kinds := 3
	if depth == 0 {
		kinds = 1
	}
	switch rapid.IntRange(0, kinds-1).Draw(t, "kind") {
	case 1:
		var items []string
		for range rapid.IntRange(0, 3).Draw(t, "items") {
			items = append(items, anyJSON(t, depth-1))
		}
		return "[" + strings.Join(items, ",") + "]"
	case 2:
		return anyObject(t, depth)
	default:
		return rapid.SampledFrom([]string{`null`, `true`, `false`, `1`, `1.0`, `-2`, `2e1`, `"a"`, `"ab"`, `"1"`, `""`, `"é\n"`}).Draw(t, "scalar")
	}
}

func anyObject(t *rapid.T, depth int) string {
	var members []string
	for range rapid.IntRange(0, 4).Draw(t, "members") {
		key := rapid.SampledFrom([]string{"a", "b", "c", "a.b", "0"}).Draw(t, "key")
		members = append(members, fmt.Sprintf("%q:%s", key, anyJSON(t, depth-1)))
	}
	return "{" + strings.Join(members, ",") + "}"
}

func anyFilter(t *rapid.T, depth int) string {
	var entries []string
	for range rapid.IntRange(0, 3).Draw(t, "entries") {
		entries = append(entries, anyEntry(t, depth))
	}
	return "{" + strings.Join(entries, ",") + "}"
}

func anyEntry(t *rapid.T, depth int) string {
	if depth > 0 && rapid.IntRange(0, 3).Draw(t, "combine") == 0 {
		op := rapid.SampledFrom([]string{"$or", "$and", "$not"}).Draw(t, "combination")
		if op == "$not" {
			return fmt.Sprintf(`"$not":%s`, anyFilter(t, depth-1))
		}
		return fmt.Sprintf(`"%s":[%s,%s]`, op, anyFilter(t, depth-1), anyFilter(t, depth-1))
	}
	path := rapid.SampledFrom([]string{"a", "b", "c", "a.b", "a.0", "a.b.0", "b.a.c", "0"}).Draw(t, "path")
	op := rapid.SampledFrom([]string{"", "$eq", "$ne", "$gt", "$gte", "$lt", "$lte", "$in", "$nin", "$exists", "$startsWith", "$endsWith", "$contains"}).Draw(t, "operator")
	var operand string
	switch op {
	case "":
		return fmt.Sprintf("%q:%s", path, anyJSON(t, 2))
	case "$in", "$nin":
		operand = "[" + anyJSON(t, 1) + "," + anyJSON(t, 1) + "]"
	case "$exists":
		operand = rapid.SampledFrom([]string{"true", "false"}).Draw(t, "exists")
	case "$startsWith", "$endsWith":
		operand = rapid.SampledFrom([]string{`""`, `"a"`, `"b"`, `"\n"`}).Draw(t, "text")
	case "$gt", "$gte", "$lt", "$lte":
		operand = rapid.SampledFrom([]string{`1`, `-2.0`, `20`, `"a"`, `""`, `"é"`}).Draw(t, "bound")
	default:
		operand = anyJSON(t, 2)
	}
	return fmt.Sprintf("%q:{%q:%s}", path, op, operand)
}

func mustCompile(t *rapid.T, filters string) *Subscription {
	s, errs := Compile([]string{"*"}, json.RawMessage(filters))
	if errs != nil {
		t.Fatalf("Compile(%s): %v", filters, errs)
	}
	return s
}

func TestMatchAgreesWithReference(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		filters, data := anyFilter(t, 2), anyObject(t, 3)
		checkAgainstReference(t, mustCompile(t, filters), filters, data)
	})
}

func TestNotIsTheOpposite(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		filters, data := anyFilter(t, 2), []byte(anyObject(t, 3))
		if mustCompile(t, filters).Match("x", data) == mustCompile(t, `{"$not":`+filters+`}`).Match("x", data) {
			t.Fatalf("%s and its opposite agree on %s", filters, data)
		}
	})
}

func TestSpellingChangesNothing(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		filters, data := anyFilter(t, 2), anyObject(t, 3)
		s := mustCompile(t, filters)
		var spaced strings.Builder
		for _, r := range strings.ReplaceAll(data, `\n`, `\u000a`) {
			spaced.WriteRune(r)
			if strings.ContainsRune("{}[],", r) {
				spaced.WriteString(" \t\r\n")
			}
		}
		want := s.Match("x", []byte(data))
		for _, other := range []string{escaped(strings.ReplaceAll(data, `\n`, "\n")), spaced.String()} {
			if s.Match("x", []byte(other)) != want {
				t.Fatalf("%s: %t on %s, %t on %s", filters, want, data, !want, other)
			}
		}
	})
}

func TestIndexAgreesWithTryingEveryOne(t *testing.T) {
	t.Parallel()
	patterns := []string{"*", "a", "b", "a.*", "a.b", "a.b.*", "a.b.c", "b.*", "b.c"}
	types := []string{"a", "b", "a.b", "a.b.c", "a.c", "b.c.d", "c"}
	rapid.Check(t, func(t *rapid.T) {
		var entries []Entry[int]
		for i := range rapid.IntRange(0, 30).Draw(t, "subscriptions") {
			events := rapid.SliceOfN(rapid.SampledFrom(patterns), 1, 4).Draw(t, "events")
			s, errs := Compile(events, json.RawMessage(anyFilter(t, 1)))
			if errs != nil {
				t.Fatal(errs)
			}
			entries = append(entries, Entry[int]{Subscription: s, Value: i})
		}
		eventType, data := rapid.SampledFrom(types).Draw(t, "type"), []byte(anyObject(t, 2))
		var want []int
		for _, e := range entries {
			if e.Subscription.Match(eventType, data) {
				want = append(want, e.Value)
			}
		}
		got := NewIndex(entries).Match(nil, eventType, data)
		slices.Sort(got)
		if !slices.Equal(got, want) {
			t.Fatalf("the index finds %v, trying every one %v", got, want)
		}
	})
}
