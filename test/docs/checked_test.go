package docs

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/postrider/postrider/internal/config"
	"github.com/postrider/postrider/test/e2e/stack"
)

// TestBodies holds the JSON that pages show to openapi.json. Where … stands for more of
// a string, its length and pattern are not looked at.
func TestBodies(t *testing.T) {
	t.Parallel()
	for name, page := range pages(t) {
		for _, b := range blocks(name, page) {
			if b.language != "json" || b.schema == "" {
				continue
			}
			value, err := jsonschema.UnmarshalJSON(strings.NewReader(b.text))
			if err != nil {
				t.Errorf("%s: %v", b.key(), err)
				continue
			}
			if err := component(t, b.schema, strings.Contains(b.text, "…")).Validate(value); err != nil {
				t.Errorf("%s: %v", b.key(), err)
			}
		}
	}
}

// component compiles one of the description's schemas.
func component(t *testing.T, name string, loose bool) *jsonschema.Schema {
	t.Helper()
	var description any
	raw, err := os.ReadFile("../../openapi.json")
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(raw, &description); err != nil {
		t.Fatal(err)
	}
	if loose {
		loosen(description)
	}
	compiler := jsonschema.NewCompiler()
	if err := compiler.AddResource("openapi.json", description); err != nil {
		t.Fatal(err)
	}
	schema, err := compiler.Compile("openapi.json#/components/schemas/" + name)
	if err != nil {
		t.Fatal(err)
	}
	return schema
}

// loosen takes away what a shortened string can't keep to.
func loosen(value any) {
	switch v := value.(type) {
	case map[string]any:
		for _, key := range []string{"pattern", "minLength"} {
			if _, isKeyword := v["type"]; isKeyword {
				delete(v, key)
			}
		}
		for _, inner := range v {
			loosen(inner)
		}
	case []any:
		for _, inner := range v {
			loosen(inner)
		}
	}
}

// TestConfigurations loads the configuration files that pages show, as each of the
// servers does.
func TestConfigurations(t *testing.T) {
	t.Parallel()
	environ := []string{"POSTRIDER_API_ADMIN_KEY=" + stack.AdminKey, "POSTRIDER_SECRETS_KEY=" + stack.SecretsKey()}
	for name, page := range pages(t) {
		for _, b := range blocks(name, page) {
			if b.language != "yaml" {
				continue
			}
			file := filepath.Join(t.TempDir(), "postrider.yaml")
			if err := os.WriteFile(file, []byte(b.text), 0o600); err != nil {
				t.Fatal(err)
			}
			for _, role := range []config.Role{config.RoleAPI, config.RoleWorker, config.RoleScheduler} {
				if _, warnings, err := config.Load([]string{"--config", file}, environ, role); err != nil || len(warnings) > 0 {
					t.Errorf("%s: %v %v", b.key(), err, warnings)
				}
			}
		}
	}
}
