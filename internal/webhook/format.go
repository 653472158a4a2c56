package webhook

import (
	"bytes"
	"encoding/json"
	"slices"
)

// Format is what the body of an endpoint's requests is. Each is made of the stored
// body, byte for byte the same at every attempt.
type Format string

// Every format.
const (
	// FormatStandard is the stored body itself, see EncodeBody.
	FormatStandard Format = "standard"
	// FormatRaw is the producer's payload alone; the rest is in the headers.
	FormatRaw Format = "raw"
	// FormatCloudEvents is CloudEvents 1.0 in structured mode.
	FormatCloudEvents Format = "cloudevents"
)

// Formats lists every format, the default first.
func Formats() []Format { return []Format{FormatStandard, FormatRaw, FormatCloudEvents} }

// Valid reports whether there is such a format.
func (f Format) Valid() bool { return slices.Contains(Formats(), f) }

// ContentType of its bodies.
func (f Format) ContentType() string {
	if f == FormatCloudEvents {
		return "application/cloudevents+json; charset=utf-8"
	}
	return "application/json"
}

// Body is what is signed and sent of a body that EncodeBody wrote. Only CloudEvents
// takes memory of its own.
func (f Format) Body(stored []byte, publicID, eventType string, ws WorkspaceID) []byte {
	if f != FormatRaw && f != FormatCloudEvents {
		return stored
	}
	data := DataOf(stored, ws)
	if f == FormatRaw {
		return data
	}
	return cloudEvent(data, createdAtOf(stored), publicID, eventType, ws)
}

// cloudEvent is https://github.com/cloudevents/spec/blob/v1.0.2/cloudevents/formats/json-format.md.
// Ids, types and workspaces hold no character that JSON would escape.
func cloudEvent(data json.RawMessage, createdAt []byte, publicID, eventType string, ws WorkspaceID) []byte {
	b := make([]byte, 0, len(data)+len(publicID)+len(eventType)+2*len(ws)+200)
	b = append(b, `{"specversion":"1.0","id":"`...)
	b = append(b, publicID...)
	b = append(b, `","source":"/workspaces/`...)
	b = append(b, ws...)
	b = append(b, `","type":"`...)
	b = append(b, eventType...)
	b = append(b, `","time":"`...)
	b = append(b, createdAt...)
	b = append(b, `","datacontenttype":"application/json","workspaceid":"`...)
	b = append(b, ws...)
	b = append(b, `","data":`...)
	b = append(b, data...)
	return append(b, '}')
}

// createdAtOf cuts the time out of a body that EncodeBody wrote. No value before it
// holds a quote.
func createdAtOf(body []byte) []byte {
	_, rest, _ := bytes.Cut(body, []byte(`","created_at":"`))
	at, _, _ := bytes.Cut(rest, []byte(`"`))
	return at
}
