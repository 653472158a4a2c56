package docs

import (
	"encoding/json"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
)

// TestAPIPageHasEveryOperation: the table of docs/api.md is openapi.json's.
func TestAPIPageHasEveryOperation(t *testing.T) {
	t.Parallel()
	raw, err := os.ReadFile("../../openapi.json")
	if err != nil {
		t.Fatal(err)
	}
	var description struct {
		Paths map[string]map[string]struct{ Summary string }
	}
	if err := json.Unmarshal(raw, &description); err != nil {
		t.Fatal(err)
	}
	var rows []string
	for path, operations := range description.Paths {
		for method, operation := range operations {
			rows = append(rows, fmt.Sprintf("| `%s` | `%s` | %s |\n", path, strings.ToUpper(method), operation.Summary))
		}
	}
	slices.Sort(rows)
	table := "| path | | |\n| --- | --- | --- |\n" + strings.Join(rows, "")
	if page := pages(t)["docs/api.md"]; !strings.Contains(page, table) {
		t.Errorf("docs/api.md differs from openapi.json; its table should be:\n%s", table)
	}
}
