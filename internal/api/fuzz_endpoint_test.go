package api

import (
	"encoding/json"
	"math/big"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/postrider/postrider/internal/match"
	"github.com/postrider/postrider/internal/webhook"
)

// FuzzEndpoint holds the input of an endpoint against the contract's words, read
// by encoding/json and with exact numbers.
func FuzzEndpoint(f *testing.F) {
	for _, seed := range []string{
		`{"url":"https://a.example/","events":["a.*"],"filters":{"a":1},"headers":{"X-A":"b"},"timeout":10,"retry_schedule":[1,2.0,3e1]}`,
		`{"url":"","events":[],"is_active":1,"rate_limit":0,"max_in_flight":10001,"secret":"whsec_","description":5,"metadata":[],"nope":1}`,
		`{"url":"x","events":["*"],"timeout":1.00000000000000000001,"retry_schedule":[],"metadata":{"a":[1e400]}}`,
		`{"url":"x","events":["*"],"secret":"whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw","headers":null,"filters":null}`,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		if !readable(body) {
			return
		}
		var in endpointInput
		var e webhook.Endpoint
		err := decode(body, &in)
		if err == nil {
			err = in.apply(&e)
		}
		want, bad := referenceEndpoint(body)
		if (err == nil) != (bad == "") {
			t.Fatalf("%s: %v, want what is wrong to be %q", body, err, bad)
		}
		if err != nil {
			checkFieldErrors(t, body, err)
			return
		}
		if want.Secret == "" {
			e.Secret = "" // as it was before: generated
		}
		if !reflect.DeepEqual(e, want) {
			t.Fatalf("%s is %+v, want %+v", body, e, want)
		}
		// What is stored comes back as an input that makes the same endpoint.
		again := webhook.Endpoint{Secret: e.Secret}
		if err := patch(&e, []byte(`{}`)); err != nil {
			t.Fatalf("%s can't be patched with nothing: %v", body, err)
		}
		stored := inputOf(&e)
		if err := stored.apply(&again); err != nil || !reflect.DeepEqual(e, again) {
			t.Fatalf("%s is %+v and then %+v, %v", body, e, again, err)
		}
	})
}

// checkFieldErrors holds that an error says something, and that its pointers lead
// to members of the body or to what its top level lacks.
func checkFieldErrors(t *testing.T, body []byte, err *webhook.Error) {
	t.Helper()
	if len(err.Fields) == 0 || len(err.Fields) > maxErrors {
		t.Fatalf("%s: %d errors", body, len(err.Fields))
	}
	for _, field := range err.Fields {
		parts := strings.Split(field.Pointer, "/")
		if field.Detail == "" || !utf8.ValidString(field.Pointer+field.Detail) || parts[0] != "" {
			t.Fatalf("%s: %+v", body, field)
		}
		var at any
		if json.Unmarshal(body, &at) != nil {
			continue // it holds 1e400, which encoding/json can't
		}
		for _, part := range parts[1:min(len(parts), 3)] {
			name := strings.ReplaceAll(strings.ReplaceAll(part, "~1", "/"), "~0", "~")
			object, isObject := at.(map[string]any)
			if !isObject {
				break
			}
			value, ok := object[name]
			if !ok && !slices.Contains([]string{"/url", "/events"}, field.Pointer) {
				t.Fatalf("%s: nothing is at %q", body, field.Pointer)
			}
			at = value
		}
	}
}

// referenceEndpoint is what the input says, and what is wrong with it, if anything.
func referenceEndpoint(body []byte) (e webhook.Endpoint, bad string) {
	names, values, ok := referenceMembers(body)
	if !ok {
		return e, "no object"
	}
	e.IsActive, e.Format = true, webhook.FormatStandard
	seen := map[string]bool{}
	for i, name := range names {
		raw := values[i]
		if seen[name] {
			return e, "twice " + name
		}
		seen[name] = true
		isNull := string(raw) == "null"
		if isNull && name != "url" && name != "events" {
			if !slices.Contains([]string{
				"filters", "secret", "description", "is_active", "headers", "timeout", "retry_schedule", "rate_limit", "max_in_flight", "metadata", "format",
			}, name) {
				return e, "the field " + name
			}
			continue
		}
		switch name {
		case "url":
			ok = referenceText(raw, &e.URL, 2048) && e.URL != ""
		case "events":
			ok = referenceEvents(raw, &e.Events)
		case "filters":
			_, errs := match.Compile([]string{"*"}, raw)
			ok = raw[0] == '{' && errs == nil
			e.Filters = compactObject(slices.Clone(raw))
		case "secret":
			ok = referenceText(raw, &e.Secret, 1<<20) && webhook.ValidSecret(e.Secret)
		case "description":
			ok = referenceText(raw, &e.Description, 1000)
		case "is_active":
			ok = string(raw) == "true" || string(raw) == "false"
			e.IsActive = string(raw) == "true"
		case "headers":
			e.Headers, ok = referenceHeaders(raw)
		case "timeout":
			var n int
			n, ok = referenceWhole(raw, 1, 60)
			d := time.Duration(n) * time.Second
			e.Timeout = &d
		case "retry_schedule":
			ok = referenceSchedule(raw, &e.RetrySchedule)
		case "rate_limit":
			e.RateLimit = new(int)
			*e.RateLimit, ok = referenceWhole(raw, 1, 1_000_000)
		case "max_in_flight":
			e.MaxInFlight = new(int)
			*e.MaxInFlight, ok = referenceWhole(raw, 1, 10_000)
		case "format":
			var format string
			ok = referenceText(raw, &format, 20) && webhook.Format(format).Valid()
			e.Format = webhook.Format(format)
		case "metadata":
			ok = raw[0] == '{' && len(raw) <= 16<<10
			e.Metadata = compactObject(slices.Clone(raw))
		default:
			ok = false
		}
		if !ok {
			return e, "the field " + name
		}
	}
	if !seen["url"] || !seen["events"] {
		return e, "something required is missing"
	}
	return e, ""
}

func referenceText(raw []byte, into *string, limit int) bool {
	return raw[0] == '"' && json.Unmarshal(raw, into) == nil && utf8.RuneCountInString(*into) <= limit && !strings.Contains(*into, "\x00")
}

func referenceEvents(raw []byte, into *[]string) bool {
	var all []json.RawMessage
	if json.Unmarshal(raw, &all) != nil || len(all) == 0 || len(all) > 1000 {
		return false
	}
	for _, one := range all {
		var pattern string
		name := strings.TrimSuffix
		if !referenceText(one, &pattern, 1<<20) {
			return false
		}
		if word := name(pattern, ".*"); pattern != "*" && (!wordsPattern.MatchString(word) || len(word) > 256) {
			return false
		}
		*into = append(*into, pattern)
	}
	return true
}

func referenceSchedule(raw []byte, into *[]time.Duration) bool {
	var all []json.RawMessage
	if json.Unmarshal(raw, &all) != nil || len(all) > 20 {
		return false
	}
	*into = []time.Duration{}
	for _, one := range all {
		n, ok := referenceWhole(one, 1, 86400)
		if !ok {
			return false
		}
		*into = append(*into, time.Duration(n)*time.Second)
	}
	return total(*into) <= 14*24*time.Hour
}

// referenceWhole is exact: 1.00000000000000000001 is not 1.
func referenceWhole(raw []byte, low, high int64) (int, bool) {
	mantissa, exponent, _ := strings.Cut(strings.ToLower(string(raw)), "e")
	exponent = strings.TrimLeft(strings.TrimLeft(exponent, "+-"), "0")
	if len(exponent) > 4 || len(mantissa) > 20_000 {
		return 0, false // beyond what a rational can hold, and so far beyond the bounds, or no whole number
	}
	n, ok := new(big.Rat).SetString(string(raw))
	if !ok || !n.IsInt() || n.Cmp(big.NewRat(low, 1)) < 0 || n.Cmp(big.NewRat(high, 1)) > 0 {
		return 0, false
	}
	return int(n.Num().Int64()), true
}
