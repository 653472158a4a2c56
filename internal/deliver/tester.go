package deliver

import (
	"context"
	"encoding/json"
	"time"

	"github.com/postrider/postrider/internal/webhook"
	"github.com/postrider/postrider/signature"
)

// Tester makes single requests that count as no event and are never retried.
type Tester struct {
	targets *targets
	sender  Sender
	prober  Prober
	cfg     Config
}

// NewTester makes a Tester; of cfg it uses UserAgent, Timeout and Now.
func NewTester(sources Sources, sender Sender, prober Prober, cfg Config) *Tester {
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	cfg.EndpointBytes = 1 // nothing is kept: a test wants the endpoint as it is now
	t := &Tester{sender: sender, prober: prober, cfg: cfg}
	t.targets = newTargets(sources, &t.cfg)
	return t
}

// Test sends one signed request to the workspace's endpoint, active or not, and
// returns what came back. A failed request is an answer and no error. Errors:
// not_found.
func (t *Tester) Test(ctx context.Context, ws webhook.WorkspaceID, id webhook.ID, eventType string, data json.RawMessage) (webhook.Response, error) {
	target, err := t.target(ctx, ws, id)
	if err != nil {
		return webhook.Response{}, err
	}
	return t.send(ctx, target, eventType, data, nil), nil
}

// target is the endpoint as it is now.
func (t *Tester) target(ctx context.Context, ws webhook.WorkspaceID, id webhook.ID) (*target, error) {
	found, err := t.targets.get(ctx, map[webhook.ID]int64{id: 1<<63 - 1})
	if err != nil {
		return nil, err
	}
	target := found[id]
	// Of an endpoint whose secret can't be decrypted the workspace is not known.
	if target == nil || target.WorkspaceID != "" && target.WorkspaceID != ws {
		return nil, webhook.NotFound("endpoint")
	}
	return target, target.err
}

// send makes one request that is no event's, signed by the endpoint's secret or
// by a stranger.
func (t *Tester) send(ctx context.Context, target *target, eventType string, data json.RawMessage, stranger *signature.Signer) webhook.Response {
	now := t.cfg.Now()
	eventID := webhook.NewID(now).Format(webhook.EventPrefix)
	event := webhook.CarriedEvent{
		PublicID: eventID, Type: eventType, Body: webhook.EncodeBody(eventID, eventType, now, data, target.WorkspaceID),
	}
	sign := target.signing.at(now, false)
	if stranger != nil {
		sign = only(stranger)
	}
	req, _ := target.request(t.cfg.UserAgent, now, event, webhook.NewID(now), 1, sign)
	return t.sender.Do(ctx, req)
}
