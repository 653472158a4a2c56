package main

import (
	"context"
	"os"
	"path/filepath"
	"testing"
)

func TestCommand(t *testing.T) {
	t.Parallel()

	t.Run("GetsTheServer", func(t *testing.T) {
		t.Parallel()
		file := filepath.Join(t.TempDir(), "dsn")
		code, err := command(context.Background(), "postgres://x", "sh", []string{"-c", "printf %s $POSTRIDER_TEST_POSTGRES >" + file})
		if code != 0 || err != nil {
			t.Fatalf("got %d, %v", code, err)
		}
		if raw, err := os.ReadFile(file); err != nil || string(raw) != "postgres://x" {
			t.Errorf("got %q, %v", raw, err)
		}
	})

	t.Run("HandsItsExitCodeOn", func(t *testing.T) {
		t.Parallel()
		if code, err := command(context.Background(), "", "sh", []string{"-c", "exit 3"}); code != 3 || err != nil {
			t.Errorf("got %d, %v", code, err)
		}
	})

	t.Run("ThatIsKilledIsAnError", func(t *testing.T) {
		t.Parallel()
		if _, err := command(context.Background(), "", "sh", []string{"-c", "kill -9 $$"}); err == nil {
			t.Error("no error")
		}
	})

	t.Run("ThatIsMissingIsAnError", func(t *testing.T) {
		t.Parallel()
		if _, err := command(context.Background(), "", "/no/such/program", nil); err == nil {
			t.Error("no error")
		}
	})
}
