package api

import (
	"encoding/json"
	"fmt"
	"strings"

	"github.com/postrider/postrider/internal/webhook"
)

// templates are the event types that most resources have.
func templates(resource string) []templateWire {
	words := strings.NewReplacer("_", " ", "-", " ", ".", " ").Replace(resource)
	object := func(properties, example string) (schema, data json.RawMessage) {
		schema = json.RawMessage(`{"$schema":"https://json-schema.org/draft/2020-12/schema","type":"object","required":["id"],"properties":{"id":{"type":["integer","string"]}` + properties + `}}`)
		return schema, json.RawMessage(`{"id":123` + example + `}`)
	}
	at := func(name string) (schema, data json.RawMessage) {
		return object(fmt.Sprintf(`,"%s":{"type":"string","format":"date-time"}`, name), fmt.Sprintf(`,"%s":"2024-01-15T10:30:00Z"`, name))
	}
	var out []templateWire
	add := func(verb, what string, schema, example json.RawMessage) {
		out = append(out, templateWire{
			Name: resource + "." + verb, Description: fmt.Sprintf(what, words), Schema: schema,
			Validation: string(webhook.ValidationOff), Example: example,
		})
	}
	plain, example := object("", "")
	add("created", "A new %s was created.", plain, example)
	schema, data := object(`,"changes":{"type":"array","items":{"type":"string"}}`, `,"changes":["title"]`)
	add("updated", "Something about a %s has changed.", schema, data)
	add("deleted", "A %s was deleted.", plain, example)
	schema, data = at("published_at")
	add("published", "A %s became public.", schema, data)
	schema, data = at("archived_at")
	add("archived", "A %s was put away and can be brought back.", schema, data)
	return out
}
