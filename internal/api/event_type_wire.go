package api

import (
	"encoding/json"
	"time"

	"github.com/postrider/postrider/internal/webhook"
)

type eventTypeInput struct {
	Description string          `json:"description,omitempty" maxLength:"1000" doc:"For people." example:"A post became public."`
	Schema      json.RawMessage `json:"schema,omitempty" doc:"JSON Schema 2020-12 for the event's data, at most 64 KiB. It refers to nothing outside itself; formats are annotations; patterns are RE2's." example:"{\"type\":\"object\",\"required\":[\"id\"]}"`
	Validation  string          `json:"validation,omitempty" enum:"off,warn,reject" default:"off" doc:"What becomes of an event whose data the schema refuses: warn accepts it and answers with warnings, reject refuses it. Both need a schema." example:"warn"`
	Example     json.RawMessage `json:"example,omitempty" doc:"An event's data, at most 64 KiB; it has to satisfy the schema." example:"{\"id\":123}"`
}

type eventTypeWire struct {
	Name        string              `json:"name" pattern:"^[A-Za-z0-9_-]+(\\.[A-Za-z0-9_-]+)*$" doc:"The event type." example:"post.created"`
	WorkspaceID webhook.WorkspaceID `json:"workspace_id" doc:"The workspace that owns it."`
	Description string              `json:"description" doc:"For people." example:"A post became public."`
	Schema      json.RawMessage     `json:"schema" nullable:"true" doc:"JSON Schema 2020-12 for the event's data." example:"{\"type\":\"object\",\"required\":[\"id\"]}"`
	Validation  string              `json:"validation" enum:"off,warn,reject" doc:"What becomes of an event whose data the schema refuses."`
	Example     json.RawMessage     `json:"example" nullable:"true" doc:"An event's data." example:"{\"id\":123}"`
	CreatedAt   time.Time           `json:"created_at" doc:"When it was created."`
	UpdatedAt   time.Time           `json:"updated_at" doc:"When it was last replaced."`
}

func renderEventType(t *webhook.EventType) eventTypeWire {
	return eventTypeWire{
		Name: t.Name, WorkspaceID: t.WorkspaceID, Description: t.Description, Schema: t.Schema,
		Validation: string(t.Validation), Example: t.Example, CreatedAt: t.CreatedAt(), UpdatedAt: t.UpdatedAt,
	}
}

// templateWire is an event type to start from: a name and the body of a PUT.
type templateWire struct {
	Name        string          `json:"name" pattern:"^[A-Za-z0-9_-]+(\\.[A-Za-z0-9_-]+)*$" doc:"The event type." example:"post.created"`
	Description string          `json:"description" doc:"For people." example:"A new post was created."`
	Schema      json.RawMessage `json:"schema" doc:"JSON Schema 2020-12 for the event's data." example:"{\"type\":\"object\",\"required\":[\"id\"]}"`
	Validation  string          `json:"validation" enum:"off,warn,reject" doc:"What becomes of an event whose data the schema refuses."`
	Example     json.RawMessage `json:"example" doc:"An event's data." example:"{\"id\":123}"`
}
