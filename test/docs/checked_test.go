package docs

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/postrider/postrider/internal/config"
	"github.com/postrider/postrider/internal/conform"
	"github.com/postrider/postrider/test/e2e/stack"
)

// TestBodies holds the JSON that pages show to openapi.json. Where … stands for more of
// a string, its length, pattern and format are not looked at.
func TestBodies(t *testing.T) {
	t.Parallel()
	exact, loose := description(t, false), description(t, true)
	for name, page := range pages(t) {
		for _, b := range blocks(name, page) {
			if b.language != "json" || b.schema == "" {
				continue
			}
			d := exact
			if strings.Contains(b.text, "…") {
				d = loose
			}
			if err := d.Body(b.schema, []byte(b.text)); err != nil {
				t.Errorf("%s: %v", b.key(), err)
			}
		}
	}
}

func description(t *testing.T, loose bool) *conform.Description {
	t.Helper()
	raw, err := os.ReadFile("../../openapi.json")
	if err != nil {
		t.Fatal(err)
	}
	if loose {
		var all any
		if err := json.Unmarshal(raw, &all); err != nil {
			t.Fatal(err)
		}
		loosen(all)
		if raw, err = json.Marshal(all); err != nil {
			t.Fatal(err)
		}
	}
	d, err := conform.Parse(raw)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// loosen takes away what a shortened string can't keep to.
func loosen(value any) {
	switch v := value.(type) {
	case map[string]any:
		for _, key := range []string{"pattern", "minLength", "format"} {
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
