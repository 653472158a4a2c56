package config_test

import (
	"os"
	"strings"
	"testing"

	"github.com/postrider/postrider/internal/config"
)

func TestDocumentationHasTheReferenceAsItIs(t *testing.T) {
	t.Parallel()
	page, err := os.ReadFile("../../docs/configuration.md")
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(page), config.Markdown()) {
		t.Errorf("docs/configuration.md differs from the code; its table should be:\n%s", config.Markdown())
	}
}
