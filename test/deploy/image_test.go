package deploy

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

func recipe(t *testing.T) string {
	t.Helper()
	raw, err := os.ReadFile("../../deploy/Dockerfile")
	must(t, err)
	return string(raw)
}

// TestImageHasAllThatTheProgramsNeed: its context is a list of what goes in, so a
// package that is new at the top has to be added.
func TestImageHasAllThatTheProgramsNeed(t *testing.T) {
	t.Parallel()
	raw, err := os.ReadFile("../../.dockerignore")
	must(t, err)
	cmd := exec.CommandContext(t.Context(), "go", "list", "-deps", "-f",
		"{{if not .Standard}}{{with .Module}}{{if .Main}}{{$.Dir}}\n{{range $.EmbedFiles}}{{$.Dir}}/{{.}}\n{{end}}{{end}}{{end}}{{end}}", "./cmd/...")
	cmd.Dir = "../.."
	out, err := cmd.Output()
	must(t, err)
	top, err := filepath.Abs("../..")
	must(t, err)
	seen := 0
	for path := range strings.FieldsSeq(string(out)) {
		rel, err := filepath.Rel(top, path)
		must(t, err)
		first, _, _ := strings.Cut(rel, string(filepath.Separator))
		if !strings.Contains(string(raw), "\n!"+first+"\n") {
			t.Errorf("%s is needed, and not in the image's context", rel)
		}
		if strings.Contains(rel, "testdata") {
			t.Errorf("%s is needed, and kept out as a test's", rel)
		}
		seen++
	}
	if seen < 20 {
		t.Fatalf("only %d packages and files: go list says something else", seen)
	}
}

// TestImageIsMinimal: what an attacker would look for is not there.
func TestImageIsMinimal(t *testing.T) {
	t.Parallel()
	text := recipe(t)
	last := text[strings.LastIndex(text, "\nFROM "):]
	if !strings.HasPrefix(last, "\nFROM scratch\n") {
		t.Errorf("the image is made of %q", strings.SplitN(last, "\n", 3)[1])
	}
	if user := regexp.MustCompile(`(?m)^USER (\d+):(\d+)$`).FindStringSubmatch(last); user == nil || user[1] == "0" {
		t.Errorf("the user is %q: Kubernetes knows only by a number that it is not root", user)
	}
	if strings.Contains(last, "\nRUN ") || strings.Contains(last, "\nADD ") {
		t.Error("the image is made of more than what is copied into it")
	}
	for _, want := range []string{"ca-certificates.crt", "/out/api /out/worker /out/scheduler /out/postrider"} {
		if !strings.Contains(last, want) {
			t.Errorf("there is no %s", want)
		}
	}
	version, err := os.ReadFile("../../go.mod")
	must(t, err)
	gomod := regexp.MustCompile(`(?m)^go (\d+\.\d+)`).FindStringSubmatch(string(version))
	if !strings.Contains(text, "ARG GO_IMAGE=golang:"+gomod[1]+"\n") {
		t.Errorf("the image is not built with Go %s, as go.mod has it", gomod[1])
	}
}
