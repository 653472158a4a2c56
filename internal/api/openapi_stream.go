package api

import (
	"reflect"

	"github.com/danielgtaylor/huma/v2"
)

// streamContent describes server-sent events as a list of messages, as OpenAPI 3.1
// has no better word for them.
func streamContent(schemas huma.Registry) *huma.MediaType {
	message := func(event, doc string, data reflect.Type) *huma.Schema {
		return &huma.Schema{
			Type: huma.TypeObject, Description: doc, Required: []string{"event", "data"},
			Properties: map[string]*huma.Schema{
				"id":    {Type: huma.TypeString, Description: "For Last-Event-ID.", Examples: []any{"AY0MYfjAAAAAAAAAAAAAAA"}},
				"event": {Type: huma.TypeString, Enum: []any{event}, Description: "The kind of message.", Examples: []any{event}},
				"data":  schemas.Schema(data, true, ""),
			},
		}
	}
	return &huma.MediaType{Schema: &huma.Schema{
		Type: huma.TypeArray, Description: "Server-sent events: of each message these fields, data as JSON on one line. Messages with an id alone, and comments, may come between them.",
		Items: &huma.Schema{OneOf: []*huma.Schema{
			message(kindEvent, "An event was accepted.", reflect.TypeFor[streamEventWire]()),
			message(kindAttempt, "An attempt was recorded.", reflect.TypeFor[streamAttemptWire]()),
			message("gap", "Attempts were left out.", reflect.TypeFor[streamGapWire]()),
			message("end", "The stream ends, and will not go on with this key.", reflect.TypeFor[streamEndWire]()),
		}},
	}}
}
