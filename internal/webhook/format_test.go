package webhook

import (
	"bytes"
	"encoding/json"
	"errors"
	"testing"
	"time"
)

func TestFormats(t *testing.T) {
	t.Parallel()
	created := time.Date(2024, 1, 15, 10, 30, 0, 0, time.UTC)
	stored := EncodeBody("evt_1", "post.created", created, json.RawMessage(`{"a":1.0,"b":"<&>"}`), "456")
	for format, want := range map[Format]string{
		FormatStandard: `{"id":"evt_1","type":"post.created","created_at":"2024-01-15T10:30:00Z","data":{"object":{"a":1.0,"b":"<&>"}},"workspace_id":456}`,
		FormatRaw:      `{"a":1.0,"b":"<&>"}`,
		FormatCloudEvents: `{"specversion":"1.0","id":"evt_1","source":"/workspaces/456","type":"post.created","time":"2024-01-15T10:30:00Z",` +
			`"datacontenttype":"application/json","workspaceid":"456","data":{"a":1.0,"b":"<&>"}}`,
		"": string(stored), // an endpoint of a caller that says nothing
	} {
		if got := format.Body(stored, "evt_1", "post.created", "456"); string(got) != want {
			t.Errorf("%q is %s, want %s", format, got, want)
		}
	}
	if &stored[0] != &FormatStandard.Body(stored, "evt_1", "post.created", "456")[0] {
		t.Error("the standard body is copied")
	}
}

// FuzzFormats holds every format to what was published, whatever that looks like.
func FuzzFormats(f *testing.F) {
	f.Add([]byte(`{"a":1}`), "post.created", "evt_1", "456")
	f.Add([]byte(`{"x":"\",\"data\":{\"object\":","created_at":"\",\"created_at\":\""}`), "created_at", "data", "object")
	f.Fuzz(func(t *testing.T, data []byte, eventType, id, ws string) {
		var object map[string]any
		var compact bytes.Buffer
		if json.Unmarshal(data, &object) != nil || object == nil || json.Compact(&compact, data) != nil {
			return
		}
		workspace := WorkspaceID(ws)
		if !ValidEventType(eventType) || !ValidEventID(id) || !workspace.Valid() {
			return
		}
		at := time.Unix(1700000000, 123456000).UTC()
		stored := EncodeBody(id, eventType, at, compact.Bytes(), workspace)
		if raw := FormatRaw.Body(stored, id, eventType, workspace); !bytes.Equal(raw, compact.Bytes()) {
			t.Fatalf("raw is %q, want %q", raw, compact.Bytes())
		}
		var event struct {
			SpecVersion, ID, Source, Type, WorkspaceID string
			Time                                       time.Time
			Data                                       json.RawMessage
		}
		body := FormatCloudEvents.Body(stored, id, eventType, workspace)
		if err := errors.Join(json.Unmarshal(body, &event), breaksCloudEvents(body)); err != nil {
			t.Fatal(err)
		}
		if event.SpecVersion != "1.0" || event.ID != id || event.Type != eventType || event.WorkspaceID != ws ||
			event.Source != "/workspaces/"+ws || !event.Time.Equal(at) || !bytes.Equal(event.Data, compact.Bytes()) {
			t.Fatalf("got %+v of %s", event, stored)
		}
	})
}
