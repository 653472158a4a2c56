package console

import (
	"context"

	"github.com/postrider/postrider/client"
)

// onceOf is the context of a creation: who sends the same form twice makes one thing.
func onceOf(v *visit, once string) context.Context {
	if once == "" {
		return v.ctx()
	}
	return client.WithIdempotencyKey(v.ctx(), once)
}
