package webhook

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"mime"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"
	"unicode"
)

// attributeName is what the specification allows, section "Attribute Naming
// Convention": it must not be longer, for it should not.
var attributeName = regexp.MustCompile(`^[a-z0-9]{1,20}$`)

// breaksCloudEvents holds a body to the rules of CloudEvents 1.0.2 and of its JSON
// format, which RFC 8259's are part of, and says which one it breaks.
func breaksCloudEvents(body []byte) error {
	members, err := membersOf(body)
	if err != nil {
		return err
	}
	for _, required := range []string{"id", "source", "specversion", "type"} {
		if _, ok := members[required]; !ok {
			return fmt.Errorf("%s is required", required)
		}
	}
	if _, both := members["data_base64"]; both {
		return fmt.Errorf("data and data_base64 exclude each other")
	}
	attributes := make(map[string]string)
	for name, value := range members {
		if name == "data" {
			continue
		}
		var text string
		if json.Unmarshal(value, &text) != nil || text == "" {
			return fmt.Errorf("%s is %s, want a string that is not empty", name, value)
		}
		if !attributeName.MatchString(name) || strings.ContainsFunc(text, unicode.IsControl) {
			return fmt.Errorf("%s is no attribute's name, or %q no attribute's value", name, text)
		}
		attributes[name] = text
	}
	return breaksTypes(attributes, members["data"])
}

// breaksTypes looks at what an attribute's type demands.
func breaksTypes(attributes map[string]string, data json.RawMessage) error {
	if got := attributes["specversion"]; got != "1.0" {
		return fmt.Errorf("specversion is %q", got)
	}
	if _, err := url.Parse(attributes["source"]); err != nil || strings.ContainsAny(attributes["source"], " \"<>\\^`{|}") {
		return fmt.Errorf("source %q is no URI reference", attributes["source"])
	}
	if at, ok := attributes["time"]; ok {
		if _, err := time.Parse(time.RFC3339, at); err != nil {
			return fmt.Errorf("time is none of RFC 3339: %w", err)
		}
	}
	media, _, err := mime.ParseMediaType(attributes["datacontenttype"])
	if declared := strings.HasSuffix(media, "/json") || strings.HasSuffix(media, "+json"); err != nil || !declared {
		return fmt.Errorf("datacontenttype %q declares no JSON", attributes["datacontenttype"])
	}
	if !bytes.HasPrefix(data, []byte("{")) {
		return fmt.Errorf("data is %s, and was published as an object", data)
	}
	return nil
}

// membersOf are an object's members, each of which is there once.
func membersOf(body []byte) (map[string]json.RawMessage, error) {
	dec := json.NewDecoder(bytes.NewReader(body))
	if t, err := dec.Token(); err != nil || t != json.Delim('{') {
		return nil, errors.Join(err, fmt.Errorf("it begins with %v, want an object", t))
	}
	out := make(map[string]json.RawMessage)
	for dec.More() {
		name, err := dec.Token()
		if err != nil {
			return nil, err
		}
		var value json.RawMessage
		if err := dec.Decode(&value); err != nil {
			return nil, err
		}
		if _, twice := out[name.(string)]; twice {
			return nil, fmt.Errorf("%s is there twice", name)
		}
		out[name.(string)] = value
	}
	_, err := dec.Token()
	return out, err
}

func TestCloudEvents(t *testing.T) {
	t.Parallel()
	media, params, err := mime.ParseMediaType(FormatCloudEvents.ContentType())
	if err != nil || media != "application/cloudevents+json" || params["charset"] != "utf-8" {
		t.Errorf("the content type is %s %v", media, params)
	}
	created := time.Date(2024, 1, 15, 10, 30, 0, 123456000, time.UTC)
	for name, in := range map[string]struct {
		id, eventType, data string
		ws                  WorkspaceID
	}{
		"OfANumberedWorkspace":     {"evt_1", "post.created", `{"a":1}`, "456"},
		"OfANamedOne":              {"own-id_1", "a-b.c_d", `{}`, "Acme-1_x"},
		"WithMembersOfTheEnvelope": {"evt_1", "a", `{"specversion":"0.3","data_base64":"","id":"","time":"x","source":5,"data":{}}`, "w"},
		"WithEveryKindOfText":      {"evt_1", "a", `{"a":"\"}\u0000\ud83d\ude00é<&>","b":[null,true,1e400]}`, "w"},
		"WithTheLongestNames":      {strings.Repeat("x", 128), strings.Repeat("t", 256), `{}`, WorkspaceID(strings.Repeat("w", 64))},
		"WithAMemberTwiceInData":   {"evt_1", "a", `{"x":1,"x":2}`, "w"},
	} {
		t.Run(name, func(t *testing.T) {
			stored := EncodeBody(in.id, in.eventType, created, json.RawMessage(in.data), in.ws)
			body := FormatCloudEvents.Body(stored, in.id, in.eventType, in.ws)
			if err := breaksCloudEvents(body); err != nil {
				t.Errorf("%v: %s", err, body)
			}
		})
	}
	good := string(FormatCloudEvents.Body(EncodeBody("evt_1", "a", created, json.RawMessage(`{}`), "w"), "evt_1", "a", "w"))
	for old, broken := range map[string]string{
		`"specversion":"1.0"`: `"specversion":"1.0.2"`, `"specversion":"1.0",`: ``, `"id":"evt_1"`: `"id":""`, `"type":"a"`: `"type":5`,
		`"workspaceid"`: `"workspace_id"`, `"source":"/workspaces/w"`: `"source":"/work spaces/w"`, `2024-01-15T`: `2024-01-15 `,
		`application/json`: `text/plain`, `"data":{}`: `"data":"{}"`, `"data":{}}`: `"data":{},"id":"evt_2"}`, `,"data":{}`: `,"data_base64":"e30="`,
	} {
		if bad := strings.Replace(good, old, broken, 1); bad == good || breaksCloudEvents([]byte(bad)) == nil {
			t.Errorf("the rules let this pass: %s", bad)
		}
	}
}
