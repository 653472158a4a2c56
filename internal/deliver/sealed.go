package deliver

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/postrider/postrider/internal/webhook"
)

const (
	// sealedFor is how long an endpoint counts as one that can't be decrypted after a
	// delivery to it came by. What was held comes again after sealedDelay, if another
	// worker does not get it; an endpoint that was deleted or disabled never does.
	sealedFor = 3 * sealedDelay
	// maxSealed bounds the memory where the key of every endpoint is missing.
	maxSealed = 10_000
)

// sealed knows the endpoints whose secrets this process could not decrypt when it
// last had a delivery to them.
type sealed struct {
	mu  sync.Mutex
	met map[webhook.ID]time.Time
}

// saw is told of each chunk: what was held for want of a key, and what was not.
func (s *sealed) saw(now time.Time, held []webhook.Hold, ready []*member) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.met) > 0 {
		for _, m := range ready {
			delete(s.met, m.EndpointID)
		}
	}
	for _, h := range held {
		s.meet(h.Delivery.EndpointID, now)
	}
}

func (s *sealed) meet(endpoint webhook.ID, now time.Time) {
	if s.met == nil {
		s.met = make(map[webhook.ID]time.Time)
	}
	if _, known := s.met[endpoint]; known || len(s.met) < maxSealed {
		s.met[endpoint] = now
	}
}

// known is how many endpoints there are, and the one that was met last.
func (s *sealed) known(now time.Time) (n int, last webhook.ID) {
	s.mu.Lock()
	defer s.mu.Unlock()
	var latest time.Time
	for id, at := range s.met {
		switch {
		case now.Sub(at) >= sealedFor:
			delete(s.met, id)
		case at.After(latest):
			last, latest = id, at
		}
	}
	return len(s.met), last
}

// CheckSecrets is a readiness check, of what is only reported: to all other
// endpoints this worker delivers as ever.
func (r *Runner) CheckSecrets(context.Context) error {
	n, last := r.sealed.known(r.cfg.Now())
	if n == 0 {
		return nil
	}
	return fmt.Errorf("no key in secrets.key decrypts the secrets of %d endpoints, the last of them %s, and their deliveries wait: "+
		"list the key they were encrypted with as well, an older one behind the newest, and restart", n, last.Format(webhook.EndpointPrefix))
}
