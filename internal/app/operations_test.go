package app

import (
	"context"
	"log/slog"
	"testing"

	"github.com/postrider/postrider/internal/config"
	"github.com/postrider/postrider/internal/webhook"
)

// dev has every role in one registry of metrics, where none may stand twice.
func TestAllRolesGoTogetherWithAnOperationsWorkspace(t *testing.T) {
	t.Parallel()
	for name, ws := range map[string]webhook.WorkspaceID{"With": "ops", "Without": ""} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			cfg := load(t, config.RoleDev, "127.0.0.1:0", "127.0.0.1:0")
			cfg.Operations.Workspace = ws
			a, err := New(context.Background(), cfg, slog.New(slog.DiscardHandler), config.RoleAPI, config.RoleWorker, config.RoleScheduler)
			if err != nil {
				t.Fatal(err)
			}
			if err := a.Start(context.Background()); err != nil {
				t.Fatal(err)
			}
			a.Stop(context.Background())
		})
	}
}
