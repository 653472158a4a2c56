package schema

import (
	"encoding/json"
	"fmt"
	"strings"
	"sync"
	"testing"

	"github.com/postrider/postrider/internal/webhook"
)

func compiled(t testing.TB, schema string) *Schema {
	t.Helper()
	s, bad := Compile(json.RawMessage(schema))
	if bad != nil {
		t.Fatalf("Compile(%.200s): %v", schema, bad)
	}
	return s
}

func pointers(errs []webhook.FieldError) string {
	var all []string
	for _, e := range errs {
		if e.Detail == "" || len(e.Detail) > maxDetail+3 {
			all = append(all, fmt.Sprintf("a detail of %d bytes", len(e.Detail)))
		}
		all = append(all, e.Pointer)
	}
	return strings.Join(all, " ")
}

func TestValidate(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ schema, data, want string }{
		"Right":              {`{"type":"object","required":["id"],"properties":{"id":{"type":"integer"}}}`, `{"id":1.0}`, ""},
		"Type":               {`{"properties":{"id":{"type":"integer"}}}`, `{"id":"1"}`, "/data/id"},
		"EveryMistake":       {`{"properties":{"a":{"type":"string"},"b":{"minimum":5}},"required":["c"]}`, `{"a":1,"b":2}`, "/data/a /data/b /data/c"},
		"Escaped":            {`{"properties":{"a/b~":{"items":{"type":"null"}}}}`, `{"a/b~":[null,1]}`, "/data/a~1b~0/1"},
		"Additional":         {`{"properties":{"a":true},"additionalProperties":false}`, `{"a":1,"b":2,"c":3}`, "/data/b /data/c"},
		"Enum":               {`{"properties":{"a":{"enum":["x",1,{"n":[1.0]}]}}}`, `{"a":"y"}`, "/data/a"},
		"EnumIsEqualAsJSON":  {`{"items":false,"properties":{"a":{"enum":["x",10,{"n":[1.0],"m":null}]},"b":{"enum":[10]}}}`, `{"a":{"m":null,"n":[1]},"b":1e1}`, ""},
		"EnumTellsTypes":     {`{"properties":{"a":{"enum":["1",null,"true"]}}}`, `{"a":1}`, "/data/a"},
		"Const":              {`{"properties":{"a":{"const":{"b":1}},"c":{"const":0}}}`, `{"a":{"b":2},"c":0.0}`, "/data/a"},
		"EnumAndConst":       {`{"properties":{"a":{"enum":[1,2],"const":2}}}`, `{"a":1}`, "/data/a"},
		"Pattern":            {`{"properties":{"a":{"pattern":"^x+$"}}}`, `{"a":"y"}`, "/data/a"},
		"PatternProperties":  {`{"patternProperties":{"^n_":{"type":"number"}}}`, `{"n_a":"y","m":"y"}`, "/data/n_a"},
		"FormatIsNoRule":     {`{"properties":{"a":{"format":"email"}}}`, `{"a":"nobody"}`, ""},
		"Ref":                {`{"$defs":{"s":{"type":"string"}},"properties":{"a":{"$ref":"#/$defs/s"}}}`, `{"a":1}`, "/data/a"},
		"Recursive":          {`{"properties":{"next":{"$ref":"#"},"v":{"type":"string"}}}`, `{"next":{"next":{"v":1}}}`, "/data/next/next/v"},
		"DynamicRef":         {`{"$dynamicAnchor":"n","properties":{"next":{"$dynamicRef":"#n"},"v":{"type":"string"}}}`, `{"next":{"v":1}}`, "/data/next/v"},
		"AnyOf":              {`{"properties":{"a":{"anyOf":[{"type":"string"},{"type":"null"}]}}}`, `{"a":1}`, "/data/a"},
		"OneOf":              {`{"properties":{"a":{"oneOf":[{"type":"number"},{"minimum":0}]}}}`, `{"a":1}`, "/data/a"},
		"Not":                {`{"properties":{"a":{"not":{"type":"number"}}}}`, `{"a":1}`, "/data/a"},
		"AllOfSaysWhich":     {`{"allOf":[{"properties":{"a":{"type":"string"}}},{"required":["b"]}]}`, `{"a":1}`, "/data/a /data/b"},
		"IfThen":             {`{"if":{"required":["a"]},"then":{"required":["b"]}}`, `{"a":1}`, "/data/b"},
		"DependentRequired":  {`{"dependentRequired":{"a":["b"]}}`, `{"a":1}`, "/data/b"},
		"PropertyNames":      {`{"propertyNames":{"maxLength":2}}`, `{"abc":1}`, "/data/abc"},
		"Unevaluated":        {`{"allOf":[{"properties":{"a":true}}],"unevaluatedProperties":false}`, `{"a":1,"b":1}`, "/data/b"},
		"Contains":           {`{"properties":{"a":{"contains":{"const":1}}}}`, `{"a":[2]}`, "/data/a"},
		"LongNumbersAreKept": {`{"properties":{"a":{"const":9007199254740993}}}`, `{"a":9007199254740992}`, "/data/a"},
		"LastOfRepeatedKeys": {`{"properties":{"a":{"type":"string"}}}`, `{"a":1,"a":"x"}`, ""},
		"FalseSchema":        {`{"properties":{"a":false}}`, `{"a":1}`, "/data/a"},
		"HugeExponent":       {`{"properties":{"a":{"type":"number"}}}`, `{"a":1e999999}`, "/data/a"},
		"HugeNumber":         {`{}`, `{"a":[` + strings.Repeat("9", 500) + `]}`, "/data/a/0"},
		"NestedTooDeep":      {`{}`, `{"a":` + strings.Repeat("[", 200) + strings.Repeat("]", 200) + `}`, "/data/a" + strings.Repeat("/0", maxDataDepth)},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := compiled(t, c.schema)
			for range 2 { // nothing is left over from the time before
				if got := pointers(s.Validate(json.RawMessage(c.data), "/data")); got != c.want {
					t.Errorf("%s points to %q, want %q", c.data, got, c.want)
				}
			}
		})
	}
}

func TestSchemaThatIsWrong(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ schema, want string }{
		"NoObject":          {`[]`, "/schema"},
		"Keyword":           {`{"properties":{"a":{"type":"text"}}}`, "/schema/properties/a/type"},
		"OfAnotherDraft":    {`{"$schema":"http://json-schema.org/draft-07/schema#"}`, "/schema/$schema"},
		"Pattern":           {`{"properties":{"a":{"pattern":"(?=x)"}}}`, "/schema/properties/a/pattern"},
		"PatternProperty":   {`{"patternProperties":{"(":true}}`, "/schema/patternProperties/("},
		"LongPattern":       {`{"pattern":"` + strings.Repeat("x", 1001) + `"}`, "/schema/pattern"},
		"LargePattern":      {`{"pattern":"(a{100}){100}b{1000}"}`, "/schema/pattern"},
		"RefToNothing":      {`{"properties":{"a":{"$ref":"#/$defs/b"}}}`, "/schema/properties/a/$ref"},
		"RefToNoAnchor":     {`{"properties":{"a":{"$ref":"#b"}}}`, "/schema/properties/a/$ref"},
		"RefToAHost":        {`{"properties":{"a":{"$ref":"http://127.0.0.1/x.json#/a"}}}`, "/schema/properties/a/$ref"},
		"RefToAFile":        {`{"properties":{"a":{"$ref":"file:///etc/passwd"}}}`, "/schema/properties/a/$ref"},
		"RefToASibling":     {`{"items":{"$ref":"other.json"}}`, "/schema/items/$ref"},
		"UnknownMetaschema": {`{"items":{"$id":"https://x.invalid/","$schema":"https://x.invalid/meta"}}`, "/schema"},
		"TooLarge":          {`{"description":"` + strings.Repeat("x", MaxBytes) + `"}`, "/schema"},
		"TooDeep":           {strings.Repeat(`{"not":`, 70) + "{}" + strings.Repeat("}", 70), "/schema" + strings.Repeat("/not", maxSchemaDepth+1)},
		"TooManyValues":     {`{"enum":[1` + strings.Repeat(",1", maxSchemaValues) + `]}`, "/schema"},
		"HugeNumber":        {`{"multipleOf":1e999999}`, "/schema/multipleOf"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s, bad := Compile(json.RawMessage(c.schema))
			if got := pointers(bad); got != c.want || s != nil {
				t.Errorf("points to %q, want %q: %v", got, c.want, bad)
			}
		})
	}
}

// Each of these would take from minutes to longer than the universe lasts.
func TestWorkIsBounded(t *testing.T) {
	t.Parallel()
	var chain strings.Builder
	for i := range 60 {
		fmt.Fprintf(&chain, `"d%d":{"anyOf":[{"$ref":"#/$defs/d%d"},{"$ref":"#/$defs/d%d"}]},`, i, i+1, i+1)
	}
	var patterns, keys, dependencies strings.Builder
	for i := range 2000 {
		if i < 1000 {
			fmt.Fprintf(&patterns, `,"%d":true`, i)
		}
		fmt.Fprintf(&dependencies, `,"d%d":["e"]`, i)
	}
	for i := range 50_000 {
		fmt.Fprintf(&keys, `,"k%d":1`, i)
	}
	double := `{"$defs":{"n":{"anyOf":[{"type":"string"},{"items":{"$ref":"#/$defs/n"},"contains":{"$ref":"#/$defs/n"}}]}},"not":{"$ref":"#/$defs/n"},"properties":{"a":{"$ref":"#/$defs/n"}}}`
	numbers := make([]string, 4000)
	for i := range numbers {
		numbers[i] = fmt.Sprint(i)
	}
	list := `{"a":[` + strings.Repeat("-1,", 100_000) + `-1]}`
	for name, c := range map[string]struct{ schema, data string }{
		"ChainOfAlternatives":  {`{"$defs":{` + chain.String() + `"d60":{"required":["x"]}},"$ref":"#/$defs/d0"}`, `{}`},
		"TwiceForEachLevel":    {double, `{"a":` + strings.Repeat("[", 100) + "1" + strings.Repeat("]", 100) + `}`},
		"EnumForEachElement":   {`{"properties":{"a":{"items":{"enum":[` + strings.Join(numbers, ",") + `]}}}}`, list},
		"PatternOnALongString": {`{"properties":{"a":{"pattern":"(x?y?){500}z"}}}`, `{"a":"` + strings.Repeat("xy", 500_000) + `"}`},
		"ManyPatterns":         {`{"properties":{"a":{"patternProperties":{"x":true` + patterns.String() + `}}}}`, `{"a":{"k":1` + keys.String() + `}}`},
		"ManyDependencies":     {`{"properties":{"a":{"items":{"dependentRequired":{"x":[]` + dependencies.String() + `}}}}}`, `{"a":[{}` + strings.Repeat(`,{}`, 200_000) + `]}`},
		"UniqueAtEachLevel": {`{"$defs":{"n":{"uniqueItems":true,"items":{"$ref":"#/$defs/n"}}},"properties":{"a":{"$ref":"#/$defs/n"}}}`,
			`{"a":` + strings.Repeat("[", 120) + strings.Repeat("1.5,", 100_000) + "1" + strings.Repeat("]", 120) + `}`},
		"UnevaluatedCopies": {`{"properties":{"a":{"allOf":[{}` + strings.Repeat(`,{"unevaluatedItems":true}`, 1000) + `]}}}`, list},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if got := compiled(t, c.schema).Validate(json.RawMessage(c.data), "/data"); len(got) == 0 || len(got) > maxErrors {
				t.Errorf("got %d errors", len(got))
			}
		})
	}
	t.Run("AndEnoughForALargeEvent", func(t *testing.T) {
		t.Parallel()
		s := compiled(t, `{"properties":{"a":{"items":{"properties":{"id":{"type":"integer"},"name":{"type":"string"}},"required":["id","name"]}}}}`)
		data := `{"a":[` + strings.Repeat(`{"id":12345,"name":"somebody or other"},`, 20_000) + `{"id":"x","name":"x"}]}`
		if got := pointers(s.Validate(json.RawMessage(data), "/data")); got != "/data/a/20000/id" {
			t.Errorf("got %s", got)
		}
	})
}

func TestManyAtOnce(t *testing.T) {
	t.Parallel()
	s := compiled(t, `{"properties":{"a":{"enum":[1,2],"pattern":"x"}}}`)
	var all sync.WaitGroup
	for i := range 50 {
		all.Go(func() {
			got := s.Validate(json.RawMessage(fmt.Sprintf(`{"a":%d}`, i)), "/data")
			if (len(got) == 0) != (i == 1 || i == 2) {
				t.Errorf("%d: %v", i, got)
			}
		})
	}
	all.Wait()
}

func FuzzSchema(f *testing.F) {
	f.Add(`{"type":"object","properties":{"a":{"$ref":"#/$defs/b"}},"$defs":{"b":{"enum":[1,"x",null,[{}]]}}}`, `{"a":[{}]}`)
	f.Add(`{"$dynamicAnchor":"a","items":{"$dynamicRef":"#a"},"unevaluatedItems":false}`, `[[[1e5]]]`)
	f.Add(`{"patternProperties":{"^a+$":{"minLength":2}},"if":{"const":1},"else":{"not":{}}}`, `{"aa":"x"}`)
	f.Fuzz(func(t *testing.T, schema, data string) {
		if !json.Valid([]byte(schema)) || !json.Valid([]byte(data)) {
			return
		}
		s, bad := Compile(json.RawMessage(schema))
		if (s == nil) == (len(bad) == 0) {
			t.Fatalf("neither a schema nor what is wrong with it: %v", bad)
		}
		if s != nil {
			s.Validate(json.RawMessage(data), "/data")
		}
	})
}

func BenchmarkValidate(b *testing.B) {
	s := compiled(b, `{"type":"object","required":["id","title","author"],"properties":{"id":{"type":"integer"},"title":{"type":"string","maxLength":200},
		"status":{"enum":["draft","published"]},"author":{"type":"object","required":["id"],"properties":{"id":{"type":"integer"}}},"tags":{"type":"array","items":{"type":"string"}}}}`)
	data := json.RawMessage(`{"id":123,"title":"My Blog Post","status":"draft","tags":["a","b","c"],"author":{"id":7,"name":"Somebody"}}`)
	b.ReportAllocs()
	for b.Loop() {
		if bad := s.Validate(data, "/data"); bad != nil {
			b.Fatal(bad)
		}
	}
}
