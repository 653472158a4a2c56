package api

import (
	"encoding/json"
	"maps"
	"math/big"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"golang.org/x/net/http/httpguts"

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
	e.IsActive = true
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
				"filters", "secret", "description", "is_active", "headers", "timeout", "retry_schedule", "rate_limit", "max_in_flight", "metadata",
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

func referenceHeaders(raw []byte) (map[string]string, bool) {
	names, values, ok := referenceMembers(raw)
	if !ok || len(names) > 50 {
		return nil, false
	}
	out, folded, size := map[string]string{}, map[string]bool{}, 0
	for i, name := range names {
		var value string
		if values[i][0] != '"' || json.Unmarshal(values[i], &value) != nil || !referenceHeader(name, value) {
			return nil, false
		}
		size += len(name) + len(value) + 4
		out[name], folded[strings.ToLower(name)] = value, true
	}
	return out, len(folded) == len(names) && size <= 16<<10
}

// referenceHeader: what the contract reserves is spelled out as it stands there,
// with the hop-by-hop headers of RFC 9110 and 7230 and what else frames a message.
func referenceHeader(name, value string) bool {
	reserved := "X-Webhook-Signature X-Webhook-Timestamp X-Webhook-ID X-Webhook-Event X-Webhook-Delivery X-Webhook-Attempt " +
		"webhook-id webhook-timestamp webhook-signature Content-Type User-Agent Host Content-Length " +
		"Connection Keep-Alive TE Trailer Trailers Transfer-Encoding Upgrade Expect Content-Encoding Accept-Encoding HTTP2-Settings"
	for own := range strings.FieldsSeq(reserved) {
		if strings.EqualFold(own, name) {
			return false
		}
	}
	return len(name) <= 256 && httpguts.ValidHeaderFieldName(name) && !strings.HasPrefix(strings.ToLower(name), "proxy-") &&
		httpguts.ValidHeaderFieldValue(value) && strings.Trim(value, " \t") == value && value != "***"
}

// FuzzHeaders holds checkHeaders against the rules of net/http's own checks: what
// is accepted here must be sendable, and must change no request.
func FuzzHeaders(f *testing.F) {
	for _, seed := range [][2]string{
		{"X-A", "b"}, {"Host", "evil"}, {"X-A", "b\r\nX-B: c"}, {"X-A: b\r\nX-B", "c"}, {"X-\u212aey", "b"}, {"x-webhook-id", "b"}, {"X A", "b"}, {"X-A", " b"}, {"", ""},
	} {
		f.Add(seed[0], seed[1], "X-Other", "c")
	}
	f.Fuzz(func(t *testing.T, name, value, other, otherValue string) {
		headers := map[string]string{name: value, other: otherValue}
		bad := checkHeaders(headers)
		want := len(headers) == 1 || !strings.EqualFold(name, other)
		for n, v := range headers {
			want = want && referenceHeader(n, v)
		}
		if len(name)+len(value)+len(other)+len(otherValue)+8 > 16<<10 {
			want = false
		}
		if (len(bad) == 0) != want {
			t.Fatalf("%q: %v, want them accepted: %t", headers, bad, want)
		}
	})
}

// FuzzMerge holds mergeValue against RFC 7396 on decoded values.
func FuzzMerge(f *testing.F) {
	for _, seed := range [][2]string{
		{`{"a":{"b":1,"c":2}}`, `{"a":{"b":null,"d":[null]}}`}, {`{"a":1,"a":2}`, `{"a":{"b":1},"a":{"c":2}}`}, {`[1]`, `{"a":null}`}, {`{}`, `{"\u0061":1}`}, {`1`, ` null`},
	} {
		f.Add([]byte(seed[0]), []byte(seed[1]))
	}
	f.Fuzz(func(t *testing.T, target, patch []byte) {
		if !readable(target) || !readable(patch) || len(target)+len(patch) > 4<<10 {
			return
		}
		one := func(text []byte) []byte { s := scanner{text: text}; return s.value() }
		got := mergeValue(one(target), one(patch))
		if !json.Valid(got) {
			t.Fatalf("%s with %s became %s", target, patch, got)
		}
		if want := referenceMerge(anyOf(t, target), anyOf(t, patch)); !reflect.DeepEqual(anyOf(t, got), want) {
			t.Fatalf("%s with %s became %s, want %v", target, patch, got, want)
		}
	})
}

func anyOf(t *testing.T, text []byte) (v any) {
	t.Helper()
	dec := json.NewDecoder(strings.NewReader(string(text)))
	dec.UseNumber()
	if err := dec.Decode(&v); err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	return v
}

// referenceMerge is RFC 7396, section 2, word for word.
func referenceMerge(target, patch any) any {
	p, ok := patch.(map[string]any)
	if !ok {
		return patch
	}
	out, ok := target.(map[string]any)
	if !ok {
		out = map[string]any{}
	}
	out = maps.Clone(out)
	for name, value := range p {
		if value == nil {
			delete(out, name)
		} else {
			out[name] = referenceMerge(out[name], value)
		}
	}
	return out
}
