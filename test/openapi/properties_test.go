package openapi

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"testing"

	"github.com/postrider/postrider/internal/conform"
	"github.com/postrider/postrider/test/e2e/stack"
	"github.com/postrider/postrider/test/pinned"
)

// TestProperties makes requests of what the description says, and of what it says
// is wrong, and holds the answers to it.
func TestProperties(t *testing.T) {
	t.Parallel()
	s := stack.New(t)
	api := s.API(t)
	s.Worker(t)
	receiver := httptest.NewServer(http.HandlerFunc(receive))
	t.Cleanup(receiver.Close)
	admin := s.Admin(api)
	admin.Call(t, http.MethodPost, "/v1/workspaces", map[string]string{"id": "properties", "name": "Properties"}, http.StatusCreated, nil)
	dir := t.TempDir()
	description := filepath.Join(dir, "openapi.json")
	if err := os.WriteFile(description, describe(t, admin, receiver.URL), 0o600); err != nil {
		t.Fatal(err)
	}
	here, err := filepath.Abs(".")
	if err != nil {
		t.Fatal(err)
	}
	args := []string{"-m", "schemathesis.cli", "--config-file", filepath.Join(here, "schemathesis.toml"), "run", description, "--url", api.URL, "--no-color"}
	env := []string{"PYTHONPATH=" + here, "PYTHONDONTWRITEBYTECODE=1", "POSTRIDER_KEY=" + stack.AdminKey, "POSTRIDER_WORKSPACE=properties", "HYPOTHESIS_STORAGE_DIRECTORY=" + dir}
	said, err := pinned.Try(t, dir, env, schemathesis.Interpreter(t), append(args, effort()...)...)
	if err != nil {
		t.Fatal(err)
	}
	t.Log(said)
}

// receive fails at half of the paths, so that there are deliveries of every kind.
func receive(w http.ResponseWriter, r *http.Request) {
	if len(r.URL.Path)%2 == 1 {
		w.WriteHeader(http.StatusInternalServerError)
		return
	}
	w.WriteHeader(http.StatusNoContent)
}

// effort is bounded by cases, the same ones in each run, or by the time that the
// environment gives, with others in each run.
func effort() []string {
	if seconds := os.Getenv("POSTRIDER_PROPERTIES_SECONDS"); seconds != "" {
		return []string{"--max-time", seconds}
	}
	return []string{"--seed", "1", "--max-examples", "8", "--workers", "1"}
}

// describe is what the API serves, with answers closed to what it does not say,
// and with URLs on this machine: an endpoint's is called.
func describe(t *testing.T, c stack.Client, receiver string) []byte {
	t.Helper()
	served := c.Do(t, http.MethodGet, "/openapi.json", nil)
	strict, err := conform.Strict(served.Body)
	if err != nil {
		t.Fatal(err)
	}
	var doc map[string]any
	if err := json.Unmarshal(strict, &doc); err != nil {
		t.Fatal(err)
	}
	u, err := url.Parse(receiver)
	if err != nil {
		t.Fatal(err)
	}
	urls := stayHere(doc, fmt.Sprintf("^http://%s/[a-z0-9]{0,20}$", regexp.QuoteMeta(u.Host)), receiver+"/x")
	if urls < 2 {
		t.Fatalf("only %d URLs were found in the description: are they still described as they were?", urls)
	}
	out, err := json.Marshal(doc)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// stayHere puts a pattern in place of every format uri, and an example that it
// takes in place of every other URL, and counts the former.
func stayHere(v any, pattern, example string) (n int) {
	switch v := v.(type) {
	case map[string]any:
		if v["format"] == "uri" {
			delete(v, "format")
			v["pattern"], v["examples"] = pattern, []any{example}
			n++
		}
		for key, value := range v {
			if _, ok := value.(string); ok && key == "url" {
				v[key] = example
			}
			n += stayHere(value, pattern, example)
		}
	case []any:
		for _, value := range v {
			n += stayHere(value, pattern, example)
		}
	}
	return n
}
