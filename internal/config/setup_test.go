package config

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/spf13/pflag"
)

const (
	testKey  = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=" // bytes 0 to 31
	testKey2 = "__________________________________________8"  // 32 times 255, URL alphabet, not padded
)

// input is one set of sources; the zero value is none, for a command.
type input struct {
	file string
	env  []string
	args []string
	role Role
}

func (in input) load(t *testing.T) (Config, []string, error) {
	t.Helper()
	dir := t.TempDir()
	if in.file != "" {
		writeFile(t, filepath.Join(dir, DefaultFile), in.file)
	}
	if in.role == "" {
		in.role = RoleCommand
	}
	flags := pflag.NewFlagSet("test", pflag.ContinueOnError)
	RegisterFlags(flags)
	if err := flags.Parse(in.args); err != nil {
		t.Fatal(err)
	}
	return fromFlags(dir, flags, in.env, in.role)
}

func (in input) mustLoad(t *testing.T) Config {
	t.Helper()
	cfg, warnings, err := in.load(t)
	if err != nil || len(warnings) > 0 {
		t.Fatalf("warnings %q, error %v", warnings, err)
	}
	return cfg
}

// wantError fails unless the error holds every part.
func wantError(t *testing.T, err error, parts ...string) {
	t.Helper()
	if err == nil {
		t.Fatalf("no error, want one with %q", parts)
	}
	for _, part := range parts {
		if !strings.Contains(err.Error(), part) {
			t.Errorf("error %q lacks %q", err, part)
		}
	}
}

func writeFile(t *testing.T, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}
