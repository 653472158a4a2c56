package api

import (
	"encoding/json"
	"time"

	"github.com/postrider/postrider/internal/webhook"
)

type eventTypeInput struct {
	Description string          `json:"description,omitempty" maxLength:"1000"`
	Schema      json.RawMessage `json:"schema,omitempty" doc:"JSON Schema 2020-12 for the event's data, at most 64 KiB. It refers to nothing outside itself; formats are annotations; patterns are RE2's."`
	Validation  string          `json:"validation,omitempty" enum:"off,warn,reject" default:"off" doc:"What becomes of an event whose data the schema refuses: warn accepts it and answers with warnings, reject refuses it. Both need a schema."`
	Example     json.RawMessage `json:"example,omitempty" doc:"An event's data, at most 64 KiB; it has to satisfy the schema."`
}

type eventTypeWire struct {
	Name        string              `json:"name" example:"post.created"`
	WorkspaceID webhook.WorkspaceID `json:"workspace_id"`
	Description string              `json:"description"`
	Schema      json.RawMessage     `json:"schema" nullable:"true" doc:"JSON Schema 2020-12 for the event's data."`
	Validation  string              `json:"validation" enum:"off,warn,reject"`
	Example     json.RawMessage     `json:"example" nullable:"true" doc:"An event's data."`
	CreatedAt   time.Time           `json:"created_at"`
	UpdatedAt   time.Time           `json:"updated_at"`
}

func renderEventType(t *webhook.EventType) eventTypeWire {
	return eventTypeWire{
		Name: t.Name, WorkspaceID: t.WorkspaceID, Description: t.Description, Schema: t.Schema,
		Validation: string(t.Validation), Example: t.Example, CreatedAt: t.CreatedAt(), UpdatedAt: t.UpdatedAt,
	}
}

// templateWire is an event type to start from: a name and the body of a PUT.
type templateWire struct {
	Name        string          `json:"name" example:"post.created"`
	Description string          `json:"description"`
	Schema      json.RawMessage `json:"schema" doc:"JSON Schema 2020-12 for the event's data."`
	Validation  string          `json:"validation" enum:"off,warn,reject"`
	Example     json.RawMessage `json:"example" doc:"An event's data."`
}
