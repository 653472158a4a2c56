package webhook

import (
	"context"
	"time"
)

type seenKey struct{}

// WithSeen makes lists that are read under the context hold what was committed
// before t, by this process's clock: who asks for them made a change then.
func WithSeen(ctx context.Context, t time.Time) context.Context {
	return context.WithValue(ctx, seenKey{}, t)
}

// Seen is what WithSeen said; the zero time asks for nothing.
func Seen(ctx context.Context) time.Time {
	t, _ := ctx.Value(seenKey{}).(time.Time)
	return t
}
