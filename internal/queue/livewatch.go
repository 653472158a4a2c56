package queue

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/postrider/postrider/internal/webhook"
)

// LiveWatch is where workers' attempts are told.
type LiveWatch struct {
	redis  *Redis
	logger *slog.Logger
}

// NewLiveWatch makes one. A nil logger discards.
func NewLiveWatch(r *Redis, logger *slog.Logger) *LiveWatch {
	if logger == nil {
		logger = slog.New(slog.DiscardHandler)
	}
	return &LiveWatch{r, logger}
}

const (
	// liveSilence is how long a connection says nothing before it is asked whether it
	// is there, and how long its answer may take.
	liveSilence = 5 * time.Second
	liveAgain   = 500 * time.Millisecond
)

// Watch tells of a workspace's attempts until ctx ends. Where Redis is away it says
// so, once, and comes back by itself.
func (w *LiveWatch) Watch(ctx context.Context, ws webhook.WorkspaceID, tell func(webhook.LiveAttempts)) {
	away := false
	for ctx.Err() == nil {
		err := w.receive(ctx, ws, func(batch webhook.LiveAttempts) {
			away = false
			tell(batch)
		}, func() { away = false })
		if ctx.Err() != nil {
			return
		}
		if !away {
			away = true
			w.logger.WarnContext(ctx, "attempts can't be watched until redis is back", "workspace_id", string(ws), "error", err)
			tell(webhook.LiveAttempts{Broken: true})
		}
		timer := time.NewTimer(liveAgain)
		select {
		case <-timer.C:
		case <-ctx.Done():
			timer.Stop()
		}
	}
}

// receive returns when the connection is lost. It subscribes once: go-redis would do
// so again by itself and never say that something was missed.
func (w *LiveWatch) receive(ctx context.Context, ws webhook.WorkspaceID, tell func(webhook.LiveAttempts), there func()) error {
	sub := w.redis.client.Subscribe(ctx, livePrefix+string(ws))
	defer sub.Close()
	// A read waits on: only closing what it reads of ends it.
	defer context.AfterFunc(ctx, func() { _ = sub.Close() })()
	asked := false
	for {
		m, err := sub.ReceiveTimeout(ctx, liveSilence)
		var late net.Error
		switch {
		case errors.As(err, &late) && late.Timeout() && !asked:
			if err := sub.Ping(ctx); err != nil {
				return err
			}
			asked = true
			continue
		case err != nil:
			return err
		}
		asked = false
		switch m := m.(type) {
		case *redis.Subscription:
			there()
		case *redis.Message:
			batch, err := decodeLive(m.Payload)
			if err != nil {
				w.logger.WarnContext(ctx, "attempts not shown", "error", err)
				batch = webhook.LiveAttempts{Broken: true}
			}
			tell(batch)
		}
	}
}
