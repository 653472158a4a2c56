package telemetry

import (
	"fmt"
	"io"
	"log/slog"
)

// Keys of log attributes that mean the same everywhere.
const (
	KeyRole        = "role"
	KeyVersion     = "version"
	KeyRequestID   = "request_id"
	KeyTraceID     = "trace_id"
	KeyWorkspaceID = "workspace_id"
	KeyEventID     = "event_id"
	KeyEndpointID  = "endpoint_id"
	KeyDeliveryID  = "delivery_id"
	KeyAttempt     = "attempt"
	KeyStatus      = "status"
	KeyDurationMS  = "duration_ms"
	KeyOutcome     = "outcome"
	KeyError       = "error"
)

// LogConfig says what is logged and how.
type LogConfig struct {
	// Level is the least that is logged. The zero value is info.
	Level slog.Leveler
	// Format is "json" or "text". The zero value is JSON.
	Format string
	// Traced puts trace_id on lines that are about something that is traced.
	Traced bool
	// Role and Version stand on every line, unless empty.
	Role    string
	Version string
}

// NewLogger logs to w, one record a line, in UTC. Secrets do not get through: see
// redact.
func NewLogger(w io.Writer, cfg LogConfig) (*slog.Logger, error) {
	options := &slog.HandlerOptions{Level: cfg.Level, ReplaceAttr: replace}
	var handler slog.Handler
	switch cfg.Format {
	case "", "json":
		handler = slog.NewJSONHandler(w, options)
	case "text":
		handler = slog.NewTextHandler(w, options)
	default:
		return nil, fmt.Errorf("new logger: format must be json or text, got %q", cfg.Format)
	}
	if cfg.Traced {
		handler = traceHandler{handler}
	}
	logger := slog.New(handler)
	if cfg.Role != "" {
		logger = logger.With(KeyRole, cfg.Role)
	}
	if cfg.Version != "" {
		logger = logger.With(KeyVersion, cfg.Version)
	}
	return logger, nil
}
