package match

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
)

// TestCompileRefuses holds what is refused and where the pointer points.
func TestCompileRefuses(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name, filters string
		pointers      string // space-separated
	}{
		{"NotJSON", `{"a":`, "/filters"},
		{"TwoValues", `{} {}`, "/filters"},
		{"NotUTF8", "{\"a\":\"\xff\"}", "/filters"},
		{"NotAnObject", `["a"]`, "/filters"},
		{"AString", `"a"`, "/filters"},
		{"UnknownOperator", `{"author.id":{"$foo":1}}`, "/filters/author.id/$foo"},
		{"OperatorsAreCaseSensitive", `{"a":{"$GT":1}}`, "/filters/a/$GT"},
		{"OneUnknownAmongKnown", `{"a":{"$gt":1,"$regex":"x"}}`, "/filters/a/$regex"},
		{"DollarAlone", `{"a":{"$":1}}`, "/filters/a/$"},
		{"Mixed", `{"a":{"$gt":1,"b":2}}`, "/filters/a"},
		{"OperatorWithoutPath", `{"$gt":1}`, "/filters/$gt"},
		{"UnknownCombination", `{"$nor":[{"a":1}]}`, "/filters/$nor"},
		{"CombinationUnderPath", `{"a":{"$not":{"$eq":1}}}`, "/filters/a/$not"},
		{"NestedOperator", `{"author":{"id":{"$gt":1}}}`, "/filters/author/id/$gt"},
		{"NestedCombination", `{"author":{"id":{"$or":[]}}}`, "/filters/author/id/$or"},
		{"GtBool", `{"a":{"$gt":true}}`, "/filters/a/$gt"},
		{"GteNull", `{"a":{"$gte":null}}`, "/filters/a/$gte"},
		{"LtArray", `{"a":{"$lt":[1]}}`, "/filters/a/$lt"},
		{"LteObject", `{"a":{"$lte":{}}}`, "/filters/a/$lte"},
		{"InString", `{"a":{"$in":"x"}}`, "/filters/a/$in"},
		{"NinObject", `{"a":{"$nin":{}}}`, "/filters/a/$nin"},
		{"ExistsNumber", `{"a":{"$exists":1}}`, "/filters/a/$exists"},
		{"StartsWithNumber", `{"a":{"$startsWith":1}}`, "/filters/a/$startsWith"},
		{"EndsWithNull", `{"a":{"$endsWith":null}}`, "/filters/a/$endsWith"},
		{"OrEmpty", `{"$or":[]}`, "/filters/$or"},
		{"OrObject", `{"$or":{"a":1}}`, "/filters/$or"},
		{"AndEmpty", `{"$and":[]}`, "/filters/$and"},
		{"OrOfScalars", `{"$or":[{"a":1},2]}`, "/filters/$or/1"},
		{"NotArray", `{"$not":[{"a":1}]}`, "/filters/$not"},
		{"DeepInside", `{"$or":[{"a":1},{"$and":[{"$not":{"b":{"$x":1}}}]}]}`, "/filters/$or/1/$and/0/$not/b/$x"},
		{"EmptyPath", `{"":1}`, "/filters/"},
		{"EmptyPart", `{"a..b":1}`, "/filters/a..b"},
		{"EscapedPointer", `{"a/b~c":{"$x":1}}`, "/filters/a~1b~0c/$x"},
		{"FarExponent", `{"a":[1,{"b":1e9999999999999999999}]}`, "/filters/a"},
		{"Several", `{"a":{"$x":1},"b":{"$in":2},"c":3}`, "/filters/a/$x /filters/b/$in"},
		{"TooDeep", `{"a":` + strings.Repeat("[", 16) + strings.Repeat("]", 16) + `}`, "/filters"},
		{"FarTooDeep", strings.Repeat(`{"$not":`, 5000) + "{}" + strings.Repeat("}", 5000), "/filters"},
		{"TooLarge", `{"a":"` + strings.Repeat("x", maxFilterBytes) + `"}`, "/filters"},
		{"TooManyConditions", `{"a":{"$in":[` + strings.Repeat("1,", maxConditions) + `1]}}`, "/filters"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			s, errs := Compile([]string{"*"}, json.RawMessage(tt.filters))
			if s != nil {
				t.Errorf("a refused subscription is not nil")
			}
			var pointers []string
			for _, e := range errs {
				pointers = append(pointers, e.Pointer)
				if e.Detail == "" || strings.Contains(e.Detail, "%!") {
					t.Errorf("detail of %s is %q", e.Pointer, e.Detail)
				}
			}
			if got := strings.Join(pointers, " "); got != tt.pointers {
				t.Errorf("errors at %q, want %q", got, tt.pointers)
			}
		})
	}
}

// TestCompileAccepts holds what is close to a limit or to a mistake but neither.
func TestCompileAccepts(t *testing.T) {
	t.Parallel()
	for name, filters := range map[string]string{
		"AsDeepAsAllowed":       `{"a":` + strings.Repeat("[", 15) + strings.Repeat("]", 15) + `}`,
		"BracketsInsideStrings": `{"a":"` + strings.Repeat("[", 100) + `"}`,
		"AsManyAsAllowed":       `{"a":{"$in":[` + strings.Repeat("1,", maxConditions-2) + `1]}}`,
		"DollarKeyInsideValue":  `{"a":{"b":{"$ref":"#/x"}}}`,
		"DollarInsidePath":      `{"a.$b":1}`,
		"NotOfEverything":       `{"$not":{}}`,
		"OrOfEverything":        `{"$or":[{}]}`,
		"HugeExponent":          `{"a":{"$gt":-1e1000000000}}`,
	} {
		if _, errs := Compile([]string{"*"}, json.RawMessage(filters)); errs != nil {
			t.Errorf("%s: %v", name, errs)
		}
	}
}

func TestCompileBoundsItsErrors(t *testing.T) {
	t.Parallel()
	var events, entries []string
	for i := range 1000 {
		events = append(events, "not a type")
		entries = append(entries, fmt.Sprintf(`"k%d":{"$x":1}`, i))
	}
	_, errs := Compile(events, json.RawMessage("{"+strings.Join(entries, ",")+"}"))
	if len(errs) == 0 || len(errs) > maxErrors {
		t.Errorf("%d errors, want 1 to %d", len(errs), maxErrors)
	}
}

func TestCompileKeepsNothingOfItsArguments(t *testing.T) {
	t.Parallel()
	events, filters := []string{"a.b"}, []byte(`{"s":"x"}`)
	s, errs := Compile(events, filters)
	if errs != nil {
		t.Fatal(errs)
	}
	events[0] = "changed"
	for i := range filters {
		filters[i] = '#'
	}
	if !s.Match("a.b", []byte(`{"s":"x"}`)) {
		t.Error("the subscription changed with its caller's buffers")
	}
	if r := s.Explain("a.c", nil); r.NearestType != "a.b" {
		t.Errorf("nearest type is %q, want a.b", r.NearestType)
	}
}

func TestCompileRefusesEvents(t *testing.T) {
	t.Parallel()
	many := make([]string, maxPatterns+1)
	for i := range many {
		many[i] = "a"
	}
	for pointer, events := range map[string][]string{
		"/events":   nil,
		"/events/2": {"a", "b.*", "c*", "d.**.e"},
		"/events/0": {""},
		"/events/1": {"a", "*.created"},
	} {
		if _, errs := Compile(events, nil); len(errs) == 0 || errs[0].Pointer != pointer {
			t.Errorf("Compile(%q): %v, want an error at %s", events, errs, pointer)
		}
	}
	if _, errs := Compile(many, nil); len(errs) != 1 || errs[0].Pointer != "/events" {
		t.Errorf("%d patterns: %v, want an error at /events", len(many), errs)
	}
	if _, errs := Compile(many[:maxPatterns], nil); errs != nil {
		t.Errorf("%d patterns: %v", maxPatterns, errs)
	}
}
