package conform_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/postrider/postrider/internal/conform"
)

const description = `{
	"openapi": "3.1.0",
	"paths": {
		"/things/{id}": {"get": {"responses": {
			"200": {
				"headers": {"X-Count": {"required": true, "schema": {"type": "integer", "minimum": 1}}},
				"content": {"application/json": {"schema": {"$ref": "#/components/schemas/Thing"}}}
			},
			"204": {},
			"404": {"$ref": "#/components/responses/NotFound"}
		}}},
		"/things/all": {"get": {"responses": {"202": {"content": {"text/html": {"schema": {"type": "string"}}}}}}}
	},
	"components": {
		"responses": {"NotFound": {"content": {"application/problem+json": {"schema": {"allOf": [
			{"$ref": "#/components/schemas/Problem"},
			{"type": "object", "properties": {"code": {"enum": ["not_found"]}}}
		]}}}}},
		"schemas": {
			"Problem": {"type": "object", "required": ["code"], "properties": {"code": {"type": "string"}}},
			"Thing": {"type": "object", "required": ["at"], "properties": {
				"at": {"type": "string", "format": "date-time"},
				"part": {"$ref": "#/components/schemas/Part"},
				"facts": {"type": "object", "additionalProperties": {}}
			}},
			"Part": {"type": "object", "properties": {"name": {"type": ["string", "null"]}}}
		}
	}
}`

func header(pairs ...string) http.Header {
	h := http.Header{"Content-Type": {"application/json"}, "X-Count": {"1"}}
	for i := 0; i < len(pairs); i += 2 {
		h.Del(pairs[i])
		if pairs[i+1] != "" {
			h.Set(pairs[i], pairs[i+1])
		}
	}
	return h
}

func TestCheck(t *testing.T) {
	t.Parallel()
	d, err := conform.Parse([]byte(description))
	if err != nil {
		t.Fatal(err)
	}
	const thing = `{"at":"2024-01-15T10:30:00Z","part":{"name":null},"facts":{"any":1}}`
	problem := header("Content-Type", "application/problem+json", "X-Count", "")
	for name, tc := range map[string]struct {
		method, path string
		status       int
		header       http.Header
		body         string
		want         string // in the error; empty for none
	}{
		"TakesWhatIsDescribed":          {"GET", "/things/1", 200, header(), thing, ""},
		"TakesHeadWithoutABody":         {"HEAD", "/things/1", 200, header(), "", ""},
		"TakesNoBodyWhereNoneIs":        {"GET", "/things/1", 204, http.Header{}, "", ""},
		"TakesACodeOfTheResponse":       {"GET", "/things/1", 404, problem, `{"code":"not_found"}`, ""},
		"TakesAProblemWhereNoRouteIs":   {"GET", "/nowhere", 404, problem, `{"code":"anything"}`, ""},
		"TakesAnotherMethodsRefusal":    {"PUT", "/things/1", 405, problem, `{"code":"anything"}`, ""},
		"TakesNoMethodInLowerCase":      {"get", "/things/1", 405, problem, `{"code":"anything"}`, ""},
		"PrefersWhatIsSpelledOut":       {"GET", "/things/all", 202, header("Content-Type", "text/html; charset=utf-8", "X-Count", ""), "<p>", ""},
		"RefusesAnotherStatus":          {"GET", "/things/1", 500, problem, `{"code":"x"}`, "status is not described"},
		"RefusesAnUnknownField":         {"GET", "/things/1", 200, header(), strings.Replace(thing, `{"at`, `{"more":1,"at`, 1), "more"},
		"RefusesAnUnknownFieldWithin":   {"GET", "/things/1", 200, header(), strings.Replace(thing, `{"name`, `{"more":1,"name`, 1), "more"},
		"RefusesAMissingField":          {"GET", "/things/1", 200, header(), `{}`, "at"},
		"RefusesAnotherFormat":          {"GET", "/things/1", 200, header(), `{"at":"yesterday"}`, "date-time"},
		"RefusesAnotherType":            {"GET", "/things/1", 200, header("Content-Type", "text/plain"), thing, "content type"},
		"RefusesABodyWhereNoneIs":       {"GET", "/things/1", 204, http.Header{}, "{}", "no body"},
		"RefusesWhatIsNoJSON":           {"GET", "/things/1", 200, header(), "{", "not JSON"},
		"RefusesAMissingHeader":         {"GET", "/things/1", 200, header("X-Count", ""), thing, "X-Count is missing"},
		"RefusesAnotherHeadersValue":    {"GET", "/things/1", 200, header("X-Count", "0"), thing, "X-Count"},
		"RefusesAnUnknownHeader":        {"GET", "/things/1", 200, header("X-More", "1"), thing, "X-More is not described"},
		"RefusesACodeOfAnotherResponse": {"GET", "/things/1", 404, problem, `{"code":"other"}`, "code"},
		"RefusesAProblemsUnknownField":  {"GET", "/things/1", 404, problem, `{"code":"not_found","more":1}`, "more"},
		"RefusesSuccessWhereNoRouteIs":  {"GET", "/nowhere", 200, header(), thing, "404"},
		"RefusesSuccessOfOtherMethods":  {"PUT", "/things/1", 200, header(), thing, "405"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			err := d.Check(&conform.Answer{Method: tc.method, Path: tc.path, Status: tc.status, Header: tc.header, Body: []byte(tc.body)})
			switch {
			case tc.want == "" && err != nil:
				t.Errorf("got %v", err)
			case tc.want != "" && (err == nil || !strings.Contains(err.Error(), tc.want)):
				t.Errorf("got %v, want %q", err, tc.want)
			}
		})
	}
}

func TestParse(t *testing.T) {
	t.Parallel()
	for _, bad := range []string{"", "{", "[]", `{"openapi":"3.1.0"}`} {
		if _, err := conform.Parse([]byte(bad)); err == nil {
			t.Errorf("%q is taken for a description", bad)
		}
	}
}
