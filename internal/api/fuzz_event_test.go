package api

import (
	"bytes"
	"encoding/json"
	"errors"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/postrider/postrider/internal/webhook"
)

// FuzzPublish holds parseEvent against encoding/json and the contract's words,
// and the body that receivers get against the event.
func FuzzPublish(f *testing.F) {
	for _, seed := range []string{
		`{"type":"a.b","data":{"x":[1.0,{"y":"\ud83d\ude00"}]},"id":"1","created_at":"2024-01-15T10:30:00Z","ordering_key":"a b"}`,
		`{"type":"a","data":{"":"\\\""}}`, `[[]]`, ` {} `, `{"data":{"a":"\u0022"},"type":"b"}`, `5`, `{"\u0074ype":"a","type":null}`,
		`{"type":"a","data":{},"endpoint_ids":["ep_01kqxg5wdgf0m8c4yb2h3t9v6z","x",5],"deliver_at":"2030-01-15T10:30:00.123+01:00","wait":1}`,
		`{"type":"a","data":{},"deliver_at":"2030-01-15T10:30:00Z","ordering_key":"k"}`,
		`{"type":"a","data":{},"endpoint_ids":[],"deliver_at":null}`, `{"endpoint_ids":null,"deliver_at":"","endpoint_ids":{}}`,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		if !readable(body) {
			return
		}
		s := scanner{text: body}
		got, bad := parseEvent(s.value(), "")
		want, wantBad := referenceEvent(body)
		checkPointers(t, body, bad, wantBad)
		if len(bad) > 0 {
			return
		}
		if !sameEvent(&got, &want) {
			t.Fatalf("%s is %+v, want %+v", body, got, want)
		}
		checkWire(t, got)
	})
}

// FuzzBatch does so for batches.
func FuzzBatch(f *testing.F) {
	for _, seed := range []string{
		`{"events":[{"type":"a","data":{}},{"type":"b","data":{"x":1},"id":"1"}]}`, `{"events":[]}`, `{"events":[1],"x":1}`, `{"\u0065vents":[{}]}`, `[]`,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		if !readable(body) {
			return
		}
		got, err := parseBatch(body)
		want, bad, ok := referenceBatch(body)
		if ok != (err == nil) {
			t.Fatalf("%s: %v, want it to be accepted: %t", body, err, ok)
		}
		if err != nil {
			var e *webhook.Error
			if !errors.As(err, &e) || e.Code != webhook.CodeInvalid || len(e.Fields) == 0 || len(e.Fields) > maxErrors {
				t.Fatalf("%s: %v", body, err)
			}
			if bad != nil {
				checkPointers(t, body, e.Fields, bad)
			}
			return
		}
		if !slices.EqualFunc(got, want, func(a, b webhook.NewEvent) bool { return sameEvent(&a, &b) }) {
			t.Fatalf("%s is %+v, want %+v", body, got, want)
		}
	})
}

func checkPointers(t *testing.T, body []byte, got []webhook.FieldError, want []string) {
	t.Helper()
	if len(got) >= maxErrors && len(want) >= maxErrors {
		return // the first of them
	}
	var pointers []string
	for _, e := range got {
		pointers = append(pointers, e.Pointer)
	}
	slices.Sort(pointers)
	slices.Sort(want)
	if !slices.Equal(slices.Compact(pointers), slices.Compact(want)) {
		t.Fatalf("%s: errors at %q, want %q", body, pointers, want)
	}
}

func sameEvent(a, b *webhook.NewEvent) bool {
	return a.ID == b.ID && a.Type == b.Type && a.CreatedAt.Equal(b.CreatedAt) && a.CreatedAt.IsZero() == b.CreatedAt.IsZero() &&
		bytes.Equal(a.Data, b.Data) && a.OrderingKey == b.OrderingKey && slices.Equal(a.Targets, b.Targets) && a.DeliverAt.Equal(b.DeliverAt) &&
		a.DeliverAt.IsZero() == b.DeliverAt.IsZero()
}

var (
	wordsPattern = regexp.MustCompile(`^[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+)*$`)
	keyPattern   = regexp.MustCompile(`^[\pL\pM\pN\pP\pS ]{1,128}$`)
	idPattern    = regexp.MustCompile(`^[A-Za-z0-9_-]{1,128}$`)
)

// referenceMembers lists an object's members by encoding/json; ok is false for
// anything else.
func referenceMembers(raw []byte) (names []string, values []json.RawMessage, ok bool) {
	dec := json.NewDecoder(bytes.NewReader(raw))
	if first, err := dec.Token(); err != nil || first != json.Delim('{') {
		return nil, nil, false
	}
	for dec.More() {
		name, err := dec.Token()
		var value json.RawMessage
		if err != nil || dec.Decode(&value) != nil {
			return nil, nil, false
		}
		names, values = append(names, name.(string)), append(values, value)
	}
	return names, values, true
}

// referenceEvent is what an event says, and the pointers to what is wrong with it.
func referenceEvent(raw []byte) (e webhook.NewEvent, bad []string) {
	names, values, ok := referenceMembers(raw)
	if !ok {
		return e, []string{""}
	}
	seen := map[string]bool{}
	for i, name := range names {
		var v any
		if err := json.Unmarshal(values[i], &v); err != nil && name != "data" { // it may hold 1e400
			v = 0.0
		}
		text, isText := v.(string)
		good := !seen[name]
		switch name {
		case "type":
			e.Type = text
			good = good && wordsPattern.MatchString(text) && len(text) <= 256
		case "data":
			var b bytes.Buffer
			good = good && values[i][0] == '{' && json.Compact(&b, values[i]) == nil
			e.Data = b.Bytes()
		case "id":
			e.ID = text
			good = good && (string(values[i]) == "null" || idPattern.MatchString(text))
		case "ordering_key":
			if string(values[i]) != "null" {
				e.OrderingKey = text
			}
			good = good && (string(values[i]) == "null" || keyPattern.MatchString(text))
		case "created_at":
			at, valid := referenceTime(text)
			good = good && (string(values[i]) == "null" || isText && valid)
			if valid {
				e.CreatedAt = at.Truncate(timeUnit)
			}
		case "endpoint_ids":
			var places []string
			e.Targets, places = referenceTargets(values[i])
			bad = append(bad, places...)
		case "deliver_at":
			at, valid := referenceTime(text)
			good = good && (string(values[i]) == "null" || isText && valid)
			if valid {
				e.DeliverAt = at
			}
		default:
			good = false
		}
		seen[name] = true
		if !good {
			bad = append(bad, "/"+strings.NewReplacer("~", "~0", "/", "~1").Replace(name))
		}
	}
	for _, name := range []string{"type", "data"} {
		if !seen[name] {
			bad = append(bad, "/"+name)
		}
	}
	if e.OrderingKey != "" && !e.DeliverAt.IsZero() {
		bad = append(bad, "/deliver_at")
	}
	return e, bad
}

// referenceTargets reads endpoint ids, null for none, and says where they are wrong.
func referenceTargets(raw json.RawMessage) (ids []webhook.ID, bad []string) {
	if string(raw) == "null" {
		return nil, nil
	}
	var all []any
	if json.Unmarshal(raw, &all) != nil || len(all) < 1 || len(all) > 100 {
		return nil, []string{"/endpoint_ids"}
	}
	for i, one := range all {
		text, _ := one.(string)
		id, ok := webhook.ParseID("ep_", text)
		if !ok || id.IsZero() {
			bad = append(bad, item("/endpoint_ids", i))
		}
		ids = append(ids, id)
	}
	return ids, bad
}

// referenceBatch has no pointers where the batch itself is wrong.
func referenceBatch(raw []byte) (events []webhook.NewEvent, bad []string, ok bool) {
	names, values, isObject := referenceMembers(raw)
	if !isObject || len(names) != 1 || names[0] != "events" || values[0][0] != '[' {
		return nil, nil, false
	}
	var all []json.RawMessage
	if json.Unmarshal(values[0], &all) != nil || len(all) == 0 || len(all) > 1000 {
		return nil, nil, false
	}
	for i, one := range all {
		e, wrong := referenceEvent(one)
		for _, pointer := range wrong {
			bad = append(bad, item("/events", i)+pointer)
		}
		events = append(events, e)
	}
	return events, bad, len(bad) == 0
}

// checkWire holds the body that receivers get against the event.
func checkWire(t *testing.T, e webhook.NewEvent) {
	t.Helper()
	for _, ws := range []webhook.WorkspaceID{"456", "0456", "w"} {
		body := webhook.EncodeBody("evt_1", e.Type, e.CreatedAt, e.Data, ws)
		var compact bytes.Buffer
		if err := json.Compact(&compact, body); err != nil || !bytes.Equal(compact.Bytes(), body) {
			t.Fatalf("the body %s is not minified JSON: %v", body, err)
		}
		names, values, _ := referenceMembers(body)
		want := []string{"id", "type", "created_at", "data", "workspace_id"}
		if !slices.Equal(names, want) || string(values[3]) != `{"object":`+string(e.Data)+`}` {
			t.Fatalf("the body is %s, want %q and the data %s", body, want, e.Data)
		}
		var id webhook.WorkspaceID
		if err := json.Unmarshal(values[4], &id); err != nil || id != ws {
			t.Fatalf("workspace %s became %s", ws, values[4])
		}
		if data := webhook.DataOf(body, ws); !bytes.Equal(data, e.Data) {
			t.Fatalf("%s has the data %s, want %s", body, data, e.Data)
		}
	}
}
