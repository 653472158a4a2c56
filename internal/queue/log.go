package queue

import (
	"context"
	"fmt"
	"log/slog"

	"github.com/redis/go-redis/v9"
)

// LogTo sends what go-redis says by itself to logger, at debug: a Redis that is
// away is reported by readiness and by whoever needed it. go-redis has one
// logger for the whole process, and would write plain text to standard error.
func LogTo(logger *slog.Logger) { redis.SetLogger(redisLogger{logger}) }

type redisLogger struct{ l *slog.Logger }

// Printf implements go-redis's logging interface.
func (r redisLogger) Printf(ctx context.Context, format string, v ...any) {
	r.l.DebugContext(ctx, "go-redis", "detail", fmt.Sprintf(format, v...))
}
