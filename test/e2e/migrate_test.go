package e2e

import (
	"strings"
	"testing"

	"github.com/postrider/postrider/internal/pgtest"
	"github.com/postrider/postrider/test/e2e/stack"
)

func TestMigrate(t *testing.T) {
	t.Parallel()

	t.Run("GoesUpAndDownAndSaysWhereItIs", func(t *testing.T) {
		t.Parallel()
		s := service{Stack: stack.On(t, pgtest.Empty(t))}
		status := func() (applied, pending int) {
			said := s.postrider(t, "migrate", "status").want(0).said
			return strings.Count(said, "applied"), strings.Count(said, "pending")
		}
		wantStatus := func(after string, applied, pending int) {
			t.Helper()
			if a, p := status(); a != applied || p != pending {
				t.Errorf("after %s: %d applied and %d pending, want %d and %d", after, a, p, applied, pending)
			}
		}
		none, all := status()
		if none != 0 || all == 0 {
			t.Fatalf("on an empty database: %d applied, %d pending", none, all)
		}
		s.postrider(t, "migrate", "up").want(0, "applied")
		wantStatus("up", all, 0)
		s.postrider(t, "migrate", "up").want(0)
		wantStatus("a second up", all, 0)
		s.postrider(t, "migrate", "down").want(0)
		wantStatus("down", all-1, 1)
		s.postrider(t, "migrate", "up").want(0)
		wantStatus("up again", all, 0)
	})

	t.Run("WithoutPostgresFails", func(t *testing.T) {
		t.Parallel()
		s := service{Stack: stack.On(t, "postgres://"+stack.FreeAddr(t)+"/nobody")}
		for _, command := range []string{"up", "down", "status"} {
			if e := s.postrider(t, "migrate", command); e.code <= 0 {
				t.Errorf("migrate %s: exit code %d: %s", command, e.code, e.said)
			}
		}
	})

	t.Run("UsesTheDirectURL", func(t *testing.T) {
		t.Parallel()
		direct := pgtest.Empty(t)
		s := service{Stack: stack.On(t, "postgres://"+stack.FreeAddr(t)+"/pooler")}
		s.Env = append(s.Env, "POSTRIDER_POSTGRES_DIRECT_URL="+direct)
		s.postrider(t, "migrate", "up").want(0)
		s.postrider(t, "migrate", "status").want(0, "applied")
	})
}
