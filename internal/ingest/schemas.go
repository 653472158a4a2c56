package ingest

import (
	"context"
	"fmt"
	"maps"
	"slices"

	"github.com/postrider/postrider/internal/webhook"
)

// schemasFor returns the compiled schemas of the events' types, by name. A type
// that has changed since the rules were read comes with its present schema: the
// writer sees that the rules are stale and sends the request back.
func (v *validator) schemasFor(ctx context.Context, ws webhook.WorkspaceID, events []webhook.NewEvent, rs *rules) (map[string]Schema, error) {
	out, missing := v.cached(ws, events, rs)
	if len(missing) == 0 {
		return out, nil
	}
	loaded, err := v.Store.Schemas(ctx, ws, missing)
	if err != nil {
		return nil, err
	}
	for name, t := range loaded {
		if ctx.Err() != nil {
			return nil, tooSlow()
		}
		s, err := v.Compile(t.Schema)
		if err != nil {
			return nil, fmt.Errorf("event type %s of workspace %s: %w", name, ws, err)
		}
		v.keep(schemaKey{ws, name, t.Version}, s)
		out[name] = s
	}
	return out, nil
}

// cached returns what is compiled already, and the names of what is not.
func (v *validator) cached(ws webhook.WorkspaceID, events []webhook.NewEvent, rs *rules) (out map[string]Schema, missing []string) {
	v.mu.Lock()
	defer v.mu.Unlock()
	out = make(map[string]Schema)
	wanted := make(map[string]bool)
	for n := range events {
		name := events[n].Type
		rule, ok := rs.byType[name]
		if !ok || out[name] != nil {
			continue
		}
		if s, ok := v.schemas.Get(schemaKey{ws, name, rule.Version}); ok {
			out[name] = s
		} else {
			wanted[name] = true
		}
	}
	return out, slices.Sorted(maps.Keys(wanted))
}

func (v *validator) keep(key schemaKey, s Schema) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.schemas.Remove(key)
	v.schemas.Add(key, s)
	v.bytes += s.Size()
	for v.bytes > v.CacheBytes && v.schemas.Len() > 1 {
		v.schemas.RemoveOldest()
	}
}
