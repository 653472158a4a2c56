package deliver

import (
	"context"
	"encoding/json"
	"time"

	"github.com/postrider/postrider/internal/webhook"
)

// Tester makes single requests that count as no event and are never retried.
type Tester struct {
	targets *targets
	sender  Sender
	cfg     Config
}

// NewTester makes a Tester; of cfg it uses UserAgent, Timeout and Now.
func NewTester(sources Sources, sender Sender, cfg Config) *Tester {
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	cfg.EndpointBytes = 1 // nothing is kept: a test wants the endpoint as it is now
	t := &Tester{sender: sender, cfg: cfg}
	t.targets = newTargets(sources, &t.cfg)
	return t
}

// Test sends one signed request to the workspace's endpoint, active or not, and
// returns what came back. A failed request is an answer and no error. Errors:
// not_found.
func (t *Tester) Test(ctx context.Context, ws webhook.WorkspaceID, id webhook.ID, eventType string, data json.RawMessage) (webhook.Response, error) {
	found, err := t.targets.get(ctx, map[webhook.ID]int64{id: 1<<63 - 1})
	if err != nil {
		return webhook.Response{}, err
	}
	target := found[id]
	// Of an endpoint whose secret can't be decrypted the workspace is not known.
	if target == nil || target.WorkspaceID != "" && target.WorkspaceID != ws {
		return webhook.Response{}, webhook.NotFound("endpoint")
	}
	if target.err != nil {
		return webhook.Response{}, target.err
	}
	now := t.cfg.Now()
	eventID := webhook.NewID(now).Format(webhook.EventPrefix)
	event := webhook.CarriedEvent{
		PublicID: eventID, Type: eventType, Body: webhook.EncodeBody(eventID, eventType, now, data, ws),
	}
	req, _ := target.request(t.cfg.UserAgent, now, event, webhook.NewID(now), 1, target.signers(now, false))
	return t.sender.Do(ctx, req), nil
}
