package api

import (
	"context"
	"errors"
	"net/http"

	"github.com/postrider/postrider/internal/webhook"
)

// publishOnce publishes an event so that its idempotency key and answer are
// committed with it. It does nothing where that can't be: where the answer tells more
// than what was accepted, where the event has a name that another one may have, where
// others wait for its commit, and where the key is taken or the request refused.
func (s *server) publishOnce(ctx context.Context, r *request, once webhook.Once) (*kept, error) {
	e, wait, bad := r.event()
	if len(bad) > 0 || wait != nil || e.ID != "" || e.OrderingKey != "" {
		return nil, nil
	}
	var k *kept
	once.Answer = func(a *webhook.Accepted) []byte {
		k = answerOf(&response{status: http.StatusAccepted, body: renderAccepted(a, r.workspace)})
		return encodeJSON(k)
	}
	e.Once = &once
	events := []webhook.NewEvent{e}
	err := s.checkOptions(ctx, r.workspace, events)
	if err == nil {
		_, err = s.accept(ctx, r.workspace, events)
	}
	switch {
	case err == nil:
		return k, nil
	case errors.Is(err, webhook.ErrClaimFirst), problemOf(coded(err), "").lasting():
		return nil, nil
	}
	return nil, err
}
