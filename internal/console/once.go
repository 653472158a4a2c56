package console

import (
	"context"
	"time"

	"github.com/postrider/postrider/client"
)

// versionOf tells a form of something as it is from one of what it was before.
func versionOf(updated time.Time) string { return updated.UTC().Format(time.RFC3339Nano) }

// onceOf is the context of a creation: who sends the same form twice makes one thing.
func onceOf(v *visit, once string) context.Context {
	if once == "" {
		return v.ctx()
	}
	return client.WithIdempotencyKey(v.ctx(), once)
}
