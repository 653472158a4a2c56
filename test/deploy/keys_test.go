package deploy

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"testing"
)

// TestComposeKeys: they are random, nobody else's to read, and never made anew:
// others would lock everybody out of what is stored.
func TestComposeKeys(t *testing.T) {
	t.Parallel()
	makefile, err := filepath.Abs("../../Makefile")
	must(t, err)
	keys := func(dir string) string {
		cmd := exec.CommandContext(t.Context(), "make", "-s", "-f", makefile, "compose-keys")
		cmd.Dir = dir
		if out, err := cmd.CombinedOutput(); err != nil || len(out) > 0 {
			t.Fatalf("%v: %s", err, out)
		}
		raw, err := os.ReadFile(filepath.Join(dir, "deploy/.env"))
		must(t, err)
		return string(raw)
	}
	one, other := t.TempDir(), t.TempDir()
	for _, dir := range []string{one, other} {
		must(t, os.Mkdir(filepath.Join(dir, "deploy"), 0o755))
	}
	first := keys(one)
	want := regexp.MustCompile(`^POSTGRES_PASSWORD=[0-9a-f]{48}\nPOSTRIDER_API_ADMIN_KEY=[0-9a-f]{64}\nPOSTRIDER_SECRETS_KEY=[A-Za-z0-9+/]{43}=\n$`)
	if !want.MatchString(first) {
		t.Errorf("the keys are %q", first)
	}
	if keys(one) != first || keys(other) == first {
		t.Error("keys are made anew, or not random")
	}
	info, err := os.Stat(filepath.Join(one, "deploy/.env"))
	must(t, err)
	if info.Mode().Perm() != 0o600 {
		t.Errorf("others may read them: %s", info.Mode())
	}
}
