package operate

import (
	"context"
	"fmt"
	"net/http"
	"testing"
	"time"

	"github.com/postrider/postrider/test/e2e/stack"
)

// traffic is everything that happens to a deployment in a bad week, on a small scale.
type traffic struct {
	client   stack.Client
	receiver *stack.Receiver
	healthy  stack.Endpoint
}

// newTraffic makes endpoints of every kind.
func newTraffic(t *testing.T, s *stack.Stack, api *stack.Process) *traffic {
	t.Helper()
	r := stack.NewReceiver(t)
	c := s.Workspace(t, api)
	tr := &traffic{client: c, receiver: r}
	tr.healthy = c.Endpoint(t, r, "/healthy", stack.Settings{"events": []string{"order.*"}})
	c.Endpoint(t, r, "/failing", stack.Settings{"events": []string{"order.failing"}, "retry_schedule": []int{1, 1, 1}})
	r.Script("/failing", stack.Times(10_000, stack.Status(http.StatusInternalServerError))...)
	gate := stack.NewGate(t)
	c.Endpoint(t, r, "/hanging", stack.Settings{"events": []string{"order.hanging"}, "timeout": 1, "retry_schedule": []int{}})
	r.Script("/hanging", stack.Times(10_000, stack.Hang(gate))...)
	c.Endpoint(t, r, "/limited", stack.Settings{"events": []string{"order.limited"}, "rate_limit": 1})
	disabled := c.Endpoint(t, r, "/disabled", stack.Settings{"events": []string{"order.disabled"}})
	c.Call(t, http.MethodPatch, "/v1/endpoints/"+disabled.ID, map[string]any{"is_active": false}, http.StatusOK, nil)
	c.Call(t, http.MethodPost, "/v1/endpoints", map[string]any{
		"url": "http://" + stack.FreeAddr(t) + "/refused", "events": []string{"order.refused"}, "retry_schedule": []int{1},
	}, http.StatusCreated, nil)
	c.Call(t, http.MethodPut, "/v1/event-types/order.checked", map[string]any{
		"schema": map[string]any{"type": "object", "required": []string{"total"}}, "validation": "warn",
	}, http.StatusCreated, nil)
	return tr
}

// keepUp goes on until ctx ends: rates and quantiles are of what happens now. What it
// is answered is other tests' concern.
func (tr *traffic) keepUp(ctx context.Context) {
	since := time.Now().UTC().Format(time.RFC3339)
	tick := time.NewTicker(250 * time.Millisecond)
	defer tick.Stop()
	for n := 0; ; n++ {
		post := func(path string, body any) { _, _ = tr.client.Try(ctx, http.MethodPost, path, body) }
		for _, kind := range []string{"placed", "failing", "hanging", "limited", "limited", "disabled", "refused", "checked"} {
			post("/v1/events", map[string]any{"type": "order." + kind, "data": map[string]any{"n": n}})
		}
		post("/v1/events", map[string]any{"type": "order.placed", "data": map[string]any{}, "ordering_key": "k"})
		post("/v1/events", map[string]any{"type": "order.placed", "data": map[string]any{}, "wait": 1})
		post("/v1/events", map[string]any{"type": "order.placed"}) // no data: 422
		post("/v1/events/batch", map[string]any{"events": []any{map[string]any{"type": "order.placed", "data": map[string]any{}}}})
		if n%8 == 0 {
			post(fmt.Sprintf("/v1/endpoints/%s/replay", tr.healthy.ID), map[string]any{"since": since, "statuses": []string{"success"}})
		}
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}
