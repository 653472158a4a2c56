package api

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"
)

func TestOpenAPI(t *testing.T) {
	t.Parallel()
	raw, err := OpenAPI()
	if err != nil {
		t.Fatal(err)
	}
	var doc struct {
		OpenAPI string
		Paths   map[string]map[string]struct {
			OperationID string
			Responses   map[string]struct{ Content map[string]any }
			RequestBody *struct{ Content map[string]any }
			Security    []map[string][]string
		}
		Components struct {
			Schemas map[string]struct {
				Properties map[string]any
				Required   []string
			}
		}
	}
	if err := json.Unmarshal(raw, &doc); err != nil {
		t.Fatal(err)
	}
	t.Run("DescribesEveryRoute", func(t *testing.T) {
		for _, rt := range (&server{}).routes() {
			op, ok := doc.Paths[rt.path][strings.ToLower(rt.method)]
			if !ok || op.OperationID != rt.id || len(op.Security) == 0 {
				t.Errorf("%s %s is missing or wrong: %+v", rt.method, rt.path, op)
			}
			for _, status := range []string{"401", "403", "422", "429", "500", "503"} {
				if _, ok := op.Responses[status].Content["application/problem+json"]; !ok {
					t.Errorf("%s lacks the problem %s", rt.id, status)
				}
			}
			if (rt.body != nil) != (op.RequestBody != nil) {
				t.Errorf("%s: body is described: %v", rt.id, op.RequestBody != nil)
			}
		}
	})
	t.Run("EveryReferenceResolves", func(t *testing.T) {
		for part := range strings.SplitSeq(string(raw), `"$ref": "#/components/schemas/`) {
			name, _, _ := strings.Cut(part, `"`)
			if _, ok := doc.Components.Schemas[name]; !ok && !strings.HasPrefix(part, "{") {
				t.Errorf("no schema %q", name)
			}
		}
	})
	t.Run("SchemasHaveTheContractsFields", func(t *testing.T) {
		for schema, fields := range map[string]string{
			"EndpointInput": "url events filters secret description is_active headers timeout retry_schedule rate_limit max_in_flight metadata",
			"Delivery": "id event_id endpoint_id workspace_id type status attempts status_code response_body error error_class held_until " +
				"held_reason next_attempt_at created_at completed_at",
			"Attempt":      "id number started_at duration_ms status_code error error_class request_headers response_headers response_body",
			"Accepted":     "id type created_at workspace_id deliveries outcomes waited",
			"Outcome":      "endpoint_id delivery_id status attempts status_code error error_class next_attempt_at held_reason",
			"Event":        "id type created_at accepted_at workspace_id deliveries data endpoint_ids deliver_at",
			"PublishInput": "type data id created_at endpoint_ids deliver_at wait",
			"Problem":      "type title status detail code request_id errors",
		} {
			for field := range strings.FieldsSeq(fields) {
				if _, ok := doc.Components.Schemas[schema].Properties[field]; !ok {
					t.Errorf("%s has no %s", schema, field)
				}
			}
		}
		if got := strings.Join(doc.Components.Schemas["EndpointInput"].Required, " "); got != "url events" && got != "events url" {
			t.Errorf("EndpointInput requires %q", got)
		}
		for schema, want := range map[string]string{"Accepted": "created_at deliveries id type workspace_id", "PublishInput": "data type"} {
			if got := slices.Sorted(slices.Values(doc.Components.Schemas[schema].Required)); strings.Join(got, " ") != want {
				t.Errorf("%s requires %q, want %q", schema, got, want)
			}
		}
	})
}
