package app

import (
	"context"
	"log/slog"
	"net"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/postrider/postrider/internal/config"
)

// nobody is an address where no server listens: a start must not need one.
const nobody = "127.0.0.1:1"

func load(t *testing.T, role config.Role, api, metrics string) config.Config {
	t.Helper()
	cfg, _, err := config.Load(nil, []string{
		"POSTRIDER_POSTGRES_URL=postgres://" + nobody + "/postrider", "POSTRIDER_REDIS_URL=redis://" + nobody + "/0",
		"POSTRIDER_API_ADMIN_KEY=admin-key-of-the-tests", "POSTRIDER_SECRETS_KEY=" + strings.Repeat("A", 43) + "=",
		"POSTRIDER_API_LISTEN=" + api, "POSTRIDER_METRICS_LISTEN=" + metrics,
	}, role)
	if err != nil {
		t.Fatal(err)
	}
	return cfg
}

func TestStartNamesAnAddressThatIsTaken(t *testing.T) {
	t.Parallel()
	lis, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { lis.Close() })
	taken := lis.Addr().String()
	for name, tt := range map[string]struct {
		role         config.Role
		api, metrics string
	}{
		"MetricsOfTheAPI":       {config.RoleAPI, "127.0.0.1:0", taken},
		"MetricsOfTheWorker":    {config.RoleWorker, "127.0.0.1:0", taken},
		"MetricsOfTheScheduler": {config.RoleScheduler, "127.0.0.1:0", taken},
		"TheAPI":                {config.RoleAPI, taken, "127.0.0.1:0"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a, err := New(context.Background(), load(t, tt.role, tt.api, tt.metrics), slog.New(slog.DiscardHandler), tt.role)
			if err != nil {
				t.Fatal(err)
			}
			// Start takes down again what it started, and waits for nothing that it did not.
			if err := a.Start(context.Background()); err == nil || !strings.Contains(err.Error(), taken) {
				t.Errorf("Start on a taken address returns %v", err)
			}
		})
	}
}

func TestStopThatHangsIsEnded(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var codes []int
		exit := func(code int) { codes = append(codes, code) }
		done := endLate(slog.New(slog.DiscardHandler), maxStop, exit)
		<-time.After(maxStop - time.Nanosecond)
		synctest.Wait()
		done()
		<-time.After(maxStop)
		synctest.Wait()
		if len(codes) > 0 {
			t.Errorf("a stop that was done in time was ended with %v", codes)
		}
		endLate(slog.New(slog.DiscardHandler), maxStop, exit)
		<-time.After(maxStop)
		synctest.Wait()
		if len(codes) != 1 || codes[0] != 1 {
			t.Errorf("got the exit codes %v", codes)
		}
	})
}
