package deliver

import (
	"context"
	"maps"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/hashicorp/golang-lru/v2/simplelru"

	"github.com/postrider/postrider/internal/webhook"
)

// target is an endpoint made ready for requests.
type target struct {
	webhook.Endpoint
	signing  signing
	promoted atomic.Bool // somebody here has promoted the next secret
	timeout  time.Duration
	hidden   *webhook.Hidden
	custom   []webhook.Header
	schedule []time.Duration
	ceiling  int
	bytes    int
	// err says why nothing can be sent: its secrets can't be decrypted here.
	err error
}

// targets caches endpoints. A copy is used only while its version is the one
// that Postgres named a moment ago, so a change that was acknowledged holds for
// the next request, whichever process took it.
type targets struct {
	sources  Sources
	cfg      *Config
	mu       sync.Mutex
	cache    *simplelru.LRU[webhook.ID, *target]
	bytes    int
	maxBytes int
}

func newTargets(sources Sources, cfg *Config) *targets {
	t := &targets{sources: sources, cfg: cfg, maxBytes: cfg.EndpointBytes}
	t.cache, _ = simplelru.NewLRU(1<<30, func(_ webhook.ID, e *target) { t.bytes -= e.bytes })
	return t
}

// get returns the endpoints at the given versions or newer. One that was deleted
// meanwhile is missing.
func (t *targets) get(ctx context.Context, versions map[webhook.ID]int64) (map[webhook.ID]*target, error) {
	out := make(map[webhook.ID]*target, len(versions))
	missing := t.cached(versions, out)
	if len(missing) == 0 {
		return out, nil
	}
	loaded, sealed, err := t.sources.Endpoints(ctx, missing)
	if err != nil {
		return nil, err
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	for i := range loaded {
		e := t.prepare(&loaded[i])
		out[e.ID] = e
		t.put(e)
	}
	for id, err := range sealed {
		out[id] = &target{Endpoint: webhook.Endpoint{ID: id}, err: err}
	}
	return out, nil
}

func (t *targets) cached(versions map[webhook.ID]int64, out map[webhook.ID]*target) (missing []webhook.ID) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for id, version := range versions {
		if e, ok := t.cache.Get(id); ok && e.Version >= version {
			out[id] = e
		} else {
			missing = append(missing, id)
		}
	}
	return missing
}

func (t *targets) put(e *target) {
	t.cache.Remove(e.ID)
	t.cache.Add(e.ID, e)
	t.bytes += e.bytes
	for t.bytes > t.maxBytes && t.cache.Len() > 1 {
		t.cache.RemoveOldest()
	}
}

// prepare fills in the deployment's defaults and parses what each request needs.
func (t *targets) prepare(e *webhook.Endpoint) *target {
	out := &target{
		Endpoint: *e, timeout: t.cfg.Timeout, schedule: t.cfg.RetrySchedule, ceiling: t.cfg.MaxInFlight,
		bytes: 1024 + len(e.URL),
	}
	if e.Timeout != nil {
		out.timeout = *e.Timeout
	}
	if e.RetrySchedule != nil {
		out.schedule = e.RetrySchedule
	}
	if e.MaxInFlight != nil {
		out.ceiling = *e.MaxInFlight
	}
	secrets := []string{e.Secret, e.NextSecret}
	for name, value := range e.Headers {
		secrets = append(secrets, value)
		out.bytes += len(name) + len(value) + 96
	}
	out.custom = customHeaders(e.Headers)
	out.hidden = webhook.NewHidden(secrets...)
	out.bytes += out.hidden.Size()
	out.signing, out.err = newSigning(e)
	return out
}

// customHeaders are an endpoint's own, in a stable order.
func customHeaders(all map[string]string) []webhook.Header {
	out := make([]webhook.Header, 0, len(all))
	for _, name := range slices.Sorted(maps.Keys(all)) {
		out = append(out, webhook.Header{Name: name, Value: all[name]})
	}
	return out
}
