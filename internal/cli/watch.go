package cli

import (
	"context"
	"iter"

	"github.com/postrider/postrider/client"
)

// watch is a stream that says when it is there, when it broke off, and when it is
// back. Its client keeps nothing of an answer that has no end.
func (s *session) watch(ctx context.Context, o client.StreamOptions, ready string) iter.Seq2[client.StreamMessage, error] {
	return func(yield func(client.StreamMessage, error) bool) {
		begun, broken := false, false
		o.Retrying = func(err error) {
			if !broken {
				s.note("The stream broke off and is tried again: %s", message(err))
			}
			broken = true
		}
		for m, err := range s.target.client(client.Config{}).Stream(ctx, o) {
			switch {
			case err != nil:
			case !begun:
				s.note("%s", ready)
				begun, broken = true, false
			case broken:
				s.note("The stream is back.")
				broken = false
			}
			if !yield(m, err) {
				return
			}
		}
	}
}
