package match

import (
	"strings"
	"testing"
)

// TestOperators holds every filter against data that it must match and data,
// often nearly the same, that it must not.
func TestOperators(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name, filters string
		match, miss   []string
	}{
		{"PlainString", `{"s":"a"}`, []string{`{"s":"a"}`, `{"s":"\u0061"}`, `{"\u0073":"a"}`}, []string{`{"s":"A"}`, `{"s":"a "}`, `{"s":["a"]}`, `{"s":null}`, `{}`, `{"t":"a"}`}},
		{"PlainNumber", `{"n":1}`, []string{`{"n":1}`, `{"n":1.0}`, `{"n":10e-1}`, `{"n":0.1E+1}`}, []string{`{"n":"1"}`, `{"n":-1}`, `{"n":1.0000000000000000001}`, `{"n":true}`, `{"n":[1]}`, `{}`}},
		{"PlainNumberSpelling", `{"n":100}`, []string{`{"n":1e2}`, `{"n":100.00}`, `{"n":0.001e5}`}, []string{`{"n":1e3}`, `{"n":10}`}},
		{"BigIntegersAreExact", `{"n":9007199254740993}`, []string{`{"n":9007199254740993}`}, []string{`{"n":9007199254740992}`, `{"n":9007199254740994}`}},
		{"HugeExponent", `{"n":1e1000000000}`, []string{`{"n":1e1000000000}`, `{"n":10E999999999}`}, []string{`{"n":1e1000000001}`, `{"n":-1e1000000000}`, `{"n":1}`, `{"n":1e99999999999999999999999}`}},
		{"Zero", `{"n":0}`, []string{`{"n":-0}`, `{"n":0.00}`, `{"n":0e99999999999999999999}`}, []string{`{"n":1e-99999999999999999999}`, `{"n":false}`, `{"n":""}`, `{"n":null}`}},
		{"PlainNull", `{"v":null}`, []string{`{"v":null}`}, []string{`{}`, `{"v":0}`, `{"v":false}`, `{"v":""}`}},
		{"PlainTrue", `{"v":true}`, []string{`{"v":true}`}, []string{`{"v":false}`, `{"v":1}`, `{"v":"true"}`, `{}`}},
		{"PlainArray", `{"v":[1,"a",null]}`, []string{`{"v":[1.0,"\u0061",null]}`}, []string{`{"v":["a",1,null]}`, `{"v":[1,"a"]}`, `{"v":[1,"a",null,2]}`, `{"v":[]}`, `{"v":{}}`}},
		{"PlainEmptyArray", `{"v":[]}`, []string{`{"v":[]}`, `{"v":[ ]}`}, []string{`{"v":[[]]}`, `{"v":{}}`, `{}`}},
		{"PlainObject", `{"v":{"a":1,"b":[{"c":2}]}}`, []string{`{"v":{"b":[{"c":2.0}],"a":1}}`, `{"v":{"a":0,"b":[{"c":2}],"\u0061":1}}`}, []string{`{"v":{"a":1}}`, `{"v":{"a":1,"b":[{"c":2}],"d":3}}`, `{"v":{"a":1,"b":[{"c":3}]}}`, `{"v":{"b":[{"c":2}],"a":1,"a":0}}`}},
		{"PlainEmptyObject", `{"v":{}}`, []string{`{"v":{}}`, `{"v":{ }}`}, []string{`{"v":{"a":1}}`, `{"v":[]}`, `{"v":null}`, `{}`}},
		{"Eq", `{"v":{"$eq":"x"}}`, []string{`{"v":"x"}`}, []string{`{"v":"y"}`, `{}`}},
		{"EqNull", `{"v":{"$eq":null}}`, []string{`{"v":null}`}, []string{`{}`, `{"v":{}}`}},
		{"EqTakesOperatorsLiterally", `{"v":{"$eq":{"$gt":1}}}`, []string{`{"v":{"$gt":1}}`}, []string{`{"v":2}`}},
		{"Ne", `{"v":{"$ne":"x"}}`, []string{`{"v":"y"}`, `{"v":null}`, `{}`, `{"v":1}`}, []string{`{"v":"x"}`}},
		{"NeNull", `{"v":{"$ne":null}}`, []string{`{}`, `{"v":0}`}, []string{`{"v":null}`}},
		{"Gt", `{"n":{"$gt":100}}`, []string{`{"n":101}`, `{"n":100.0000001}`, `{"n":1e3}`}, []string{`{"n":100}`, `{"n":1e2}`, `{"n":99}`, `{"n":-101}`, `{"n":"120"}`, `{"n":null}`, `{"n":true}`, `{"n":[101]}`, `{}`}},
		{"Gte", `{"n":{"$gte":100}}`, []string{`{"n":100}`, `{"n":1e2}`, `{"n":101}`}, []string{`{"n":99.999}`, `{"n":"100"}`, `{}`}},
		{"Lt", `{"n":{"$lt":-1}}`, []string{`{"n":-2}`, `{"n":-1.5}`, `{"n":-1e400}`}, []string{`{"n":-1}`, `{"n":0}`, `{"n":-0.5}`, `{"n":"-2"}`, `{"n":null}`, `{}`}},
		{"Lte", `{"n":{"$lte":5}}`, []string{`{"n":5.0}`, `{"n":0}`, `{"n":-6}`}, []string{`{"n":5.1}`, `{"n":"5"}`, `{}`}},
		{"GtString", `{"s":{"$gt":"2024-01-15"}}`, []string{`{"s":"2024-01-16"}`, `{"s":"2024-01-15T00"}`, `{"s":"é"}`}, []string{`{"s":"2024-01-15"}`, `{"s":"2024"}`, `{"s":20250101}`, `{}`}},
		{"LteString", `{"s":{"$lte":"b"}}`, []string{`{"s":"b"}`, `{"s":"a"}`, `{"s":""}`, `{"s":"\u0062"}`}, []string{`{"s":"ba"}`, `{"s":1}`, `{}`}},
		{"Range", `{"n":{"$gte":1,"$lt":5}}`, []string{`{"n":1}`, `{"n":4.99}`}, []string{`{"n":5}`, `{"n":0.99}`}},
		{"In", `{"v":{"$in":["a",1,null,{"k":[2]}]}}`, []string{`{"v":"a"}`, `{"v":1.0}`, `{"v":null}`, `{"v":{"k":[2]}}`}, []string{`{"v":"b"}`, `{"v":"1"}`, `{"v":["a"]}`, `{}`}},
		{"InNothing", `{"v":{"$in":[]}}`, nil, []string{`{"v":[]}`, `{"v":null}`, `{}`}},
		{"Nin", `{"v":{"$nin":["a",1]}}`, []string{`{"v":"b"}`, `{"v":"1"}`, `{"v":null}`, `{}`}, []string{`{"v":"a"}`, `{"v":1.0}`}},
		{"NinNull", `{"v":{"$nin":[null]}}`, []string{`{}`}, []string{`{"v":null}`}},
		{"Exists", `{"v":{"$exists":true}}`, []string{`{"v":1}`, `{"v":null}`, `{"v":""}`}, []string{`{}`, `{"w":1}`}},
		{"ExistsNot", `{"v":{"$exists":false}}`, []string{`{}`, `{"w":1}`}, []string{`{"v":1}`, `{"v":null}`}},
		{"StartsWith", `{"s":{"$startsWith":"ab"}}`, []string{`{"s":"ab"}`, `{"s":"abc"}`, `{"s":"\u0061b"}`}, []string{`{"s":"a"}`, `{"s":"Ab"}`, `{"s":"cab"}`, `{"s":["ab"]}`, `{"s":null}`, `{}`}},
		{"EndsWith", `{"s":{"$endsWith":"@x.org"}}`, []string{`{"s":"me@x.org"}`, `{"s":"@x\u002eorg"}`}, []string{`{"s":"me@x.org "}`, `{"s":"me@y.org"}`, `{"s":1}`, `{}`}},
		{"ContainsSubstring", `{"s":{"$contains":"/b"}}`, []string{`{"s":"a/b/c"}`, `{"s":"a\/b"}`, `{"s":["/b"]}`}, []string{`{"s":"ab"}`, `{"s":["a/b"]}`, `{"s":{"/b":1}}`, `{"s":null}`, `{}`}},
		{"ContainsEmptyString", `{"s":{"$contains":""}}`, []string{`{"s":""}`, `{"s":"x"}`, `{"s":[""]}`}, []string{`{"s":[]}`, `{"s":1}`, `{}`}},
		{"ContainsMember", `{"v":{"$contains":2}}`, []string{`{"v":[1,2.0]}`, `{"v":[2]}`}, []string{`{"v":["2"]}`, `{"v":[[2]]}`, `{"v":"2"}`, `{"v":2}`, `{"v":[]}`, `{}`}},
		{"ContainsObject", `{"v":{"$contains":{"id":1}}}`, []string{`{"v":[0,{"id":1}]}`}, []string{`{"v":[{"id":1,"x":2}]}`, `{"v":{"id":1}}`}},
		{"EveryEntryMustHold", `{"a":1,"b":2}`, []string{`{"b":2,"a":1}`}, []string{`{"a":1}`, `{"a":1,"b":3}`, `{"a":0,"b":2}`}},
		{"Or", `{"$or":[{"a":1},{"b":2,"c":3}]}`, []string{`{"a":1}`, `{"b":2,"c":3}`}, []string{`{"b":2}`, `{"a":2}`, `{}`}},
		{"And", `{"$and":[{"a":{"$gt":1}},{"a":{"$lt":3}}]}`, []string{`{"a":2}`}, []string{`{"a":1}`, `{"a":3}`, `{}`}},
		{"Not", `{"$not":{"a":1,"b":2}}`, []string{`{"a":1}`, `{"a":1,"b":3}`, `{}`}, []string{`{"a":1,"b":2}`}},
		{"NotHoldsForMissing", `{"$not":{"a":null}}`, []string{`{}`, `{"a":0}`}, []string{`{"a":null}`}},
		{"Nested", `{"k":1,"$or":[{"$not":{"a":1}},{"$and":[{"b":1},{"c":1}]}]}`, []string{`{"k":1}`, `{"k":1,"a":1,"b":1,"c":1}`}, []string{`{"k":1,"a":1,"b":1}`, `{"a":2}`}},
		{"EmptyFilter", `{}`, []string{`{}`, `{"a":1}`}, nil},
		{"NullFilter", `null`, []string{`{}`}, nil},
		{"NoFilter", ``, []string{`{"a":1}`}, nil},
		{"RepeatedFilterKey", `{"a":1,"a":2}`, []string{`{"a":2}`}, []string{`{"a":1}`}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			s := compile(t, tt.filters)
			for _, data := range tt.match {
				if !s.Match("x", []byte(data)) {
					t.Errorf("%s does not match %s: %+v", tt.filters, data, s.Explain("x", []byte(data)))
				}
			}
			for _, data := range tt.miss {
				if s.Match("x", []byte(data)) {
					t.Errorf("%s matches %s", tt.filters, data)
				}
			}
		})
	}
}

// TestDeepAndWideEvents holds that neither nesting nor size breaks a look-up.
func TestDeepAndWideEvents(t *testing.T) {
	t.Parallel()
	deep := `{"a":` + strings.Repeat("[", 300_000) + strings.Repeat("]", 300_000) + `,"z":1}`
	wide := `{` + strings.Repeat(`"k":"\n","l":[1,2],`, 20_000) + `"z":1}`
	// So many conditions first walk, then decode: both ways must agree.
	conditions := strings.Repeat(`{"z":1,"a":{"$ne":2},"l.7":{"$exists":false}},`, 200)
	s := compile(t, `{"$and":[`+strings.TrimSuffix(conditions, ",")+`]}`)
	for name, data := range map[string]string{"deep": deep, "wide": wide} {
		if !s.Match("x", []byte(data)) {
			t.Errorf("%s event does not match", name)
		}
	}
}
