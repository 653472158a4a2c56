package app

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"os/signal"
	"syscall"

	"github.com/postrider/postrider/internal/config"
	"github.com/postrider/postrider/internal/queue"
	"github.com/postrider/postrider/internal/telemetry"
)

// Main is the life of a server program with one role. It returns the exit code:
// 0 after a clean stop, 1 when it could not run, 2 for a bad configuration.
func Main(role config.Role, args []string) int {
	cfg, warnings, err := config.Load(args, os.Environ(), role)
	switch {
	case errors.Is(err, config.ErrHelp):
		fmt.Print(config.Usage(role))
		return 0
	case errors.Is(err, config.ErrVersion):
		fmt.Println(telemetry.Version())
		return 0
	case err != nil:
		fmt.Fprintln(os.Stderr, err)
		return 2
	}
	logger, err := telemetry.NewLogger(os.Stderr, telemetry.LogConfig{
		Level: cfg.Log.Level, Format: cfg.Log.Format, Role: string(role), Version: telemetry.Version(),
		Traced: cfg.Tracing.Endpoint != nil,
	})
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 2
	}
	queue.LogTo(logger)
	for _, w := range warnings {
		logger.Warn("configuration", "warning", w)
	}
	ctx, stop := Signals(logger)
	defer stop()
	if err := Run(ctx, cfg, logger, role); err != nil {
		logger.Error("the process ends", "error", err)
		return 1
	}
	return 0
}

// Signals returns a context that ends with the first SIGINT or SIGTERM. A second
// one ends the process at once: whoever sends it does not want to wait.
func Signals(logger *slog.Logger) (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithCancel(context.Background())
	signals := make(chan os.Signal, 2)
	signal.Notify(signals, syscall.SIGINT, syscall.SIGTERM)
	go func() {
		select {
		case <-signals:
			cancel()
		case <-ctx.Done():
		}
		<-signals
		logger.Warn("second signal: ending at once")
		os.Exit(1)
	}()
	return ctx, func() {
		cancel()
		signal.Stop(signals)
	}
}
