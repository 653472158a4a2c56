package ingest

import (
	"context"
	"encoding/json"
	"errors"
	"runtime"
	"slices"
	"sync"

	"github.com/hashicorp/golang-lru/v2/simplelru"

	"github.com/postrider/postrider/internal/webhook"
)

// TypeStore says what event types demand of their events.
type TypeStore interface {
	// Rules returns each workspace's types whose events are held against a schema.
	Rules(ctx context.Context, ids []webhook.WorkspaceID) (map[webhook.WorkspaceID]map[string]webhook.TypeRule, error)
	// Schemas returns the schemas of those types, without those that have none.
	Schemas(ctx context.Context, ws webhook.WorkspaceID, names []string) (map[string]webhook.TypeSchema, error)
	// Known returns those of a caller's own event ids that are taken.
	Known(ctx context.Context, ws webhook.WorkspaceID, ids []string) ([]string, error)
}

// Schema is what data is held against.
type Schema interface {
	// Validate returns what is wrong with data, with pointers below the given one.
	Validate(data json.RawMessage, pointer string) []webhook.FieldError
	// Size is the memory it takes, roughly.
	Size() int
}

// Types holds events against their types' schemas.
type Types struct {
	Store   TypeStore
	Compile func(schema json.RawMessage) (Schema, error)
	// CacheBytes bounds the memory of compiled schemas, as estimated. Default 16 MiB.
	CacheBytes int
}

// Bounds of a validator.
const (
	// lastSeen is how many workspaces' rules are kept for guessing.
	lastSeen = 256
	// maxChecks is how often one request is held against rules that have changed
	// each time before it is told to come again.
	maxChecks = 5
	// maxProblems are reported at once; more help nobody.
	maxProblems = 50
)

// validator holds requests against rules, each in its caller's own goroutine.
type validator struct {
	Types
	metrics metrics
	// slots bound how many are at it: a decoded event takes ten times its bytes.
	slots chan struct{}

	mu sync.Mutex // guards the rest
	// last are the rules that a workspace had when it was last looked at. Where
	// they still hold, a request goes through the writer once and not twice.
	last    *simplelru.LRU[webhook.WorkspaceID, *rules]
	schemas *simplelru.LRU[schemaKey, Schema]
	bytes   int
}

type schemaKey struct {
	workspace webhook.WorkspaceID
	name      string
	version   int64
}

// newValidator is nil where there is nothing to hold events against.
func newValidator(types *Types, m metrics) *validator {
	if types == nil {
		return nil
	}
	v := &validator{Types: *types, metrics: m, slots: make(chan struct{}, max(2, runtime.GOMAXPROCS(0)))}
	if v.CacheBytes <= 0 {
		v.CacheBytes = 16 << 20
	}
	v.last, _ = simplelru.NewLRU[webhook.WorkspaceID, *rules](lastSeen, nil)
	// The count is no bound that is ever met: bytes are.
	v.schemas, _ = simplelru.NewLRU(1<<30, func(_ schemaKey, s Schema) { v.bytes -= s.Size() })
	return v
}

// checked is what came of holding a request's events against rules.
type checked struct {
	version int64 // the rules'
	// err refuses the request.
	err      error
	warnings map[int][]webhook.FieldError // by the event's place
	refused  int
}

// acceptValid is acceptNew where event types have schemas. It holds the events
// against the rules that it knows of; the writer, which knows the present ones,
// stores them, refuses them or sends them back with other rules.
func (i *Ingester) acceptValid(ctx context.Context, ws webhook.WorkspaceID, events []webhook.NewEvent) ([]webhook.Accepted, error) {
	rs := i.types.guess(ws)
	for range maxChecks {
		r := &request{workspace: ws, events: events, trace: recordedTrace(ctx)}
		if rs != nil && rs.concern(events) {
			var err error
			if r.checked, err = i.types.check(ctx, ws, events, rs); err != nil {
				return nil, err
			}
		}
		c := r.checked
		a := i.submit(ctx, r)
		if a.rules == nil {
			i.types.count(c, &a)
			return a.accepted, a.err
		}
		rs = a.rules
		i.types.remember(ws, rs)
	}
	return nil, overloaded("the workspace's event types change faster than events can be held against them")
}

func (v *validator) guess(ws webhook.WorkspaceID) *rules {
	v.mu.Lock()
	defer v.mu.Unlock()
	rs, _ := v.last.Get(ws)
	return rs
}

func (v *validator) remember(ws webhook.WorkspaceID, rs *rules) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.last.Add(ws, rs)
}

// count counts what was decided: neither what was sent back nor what failed for
// another reason.
func (v *validator) count(c *checked, a *answer) {
	if c != nil && a.err != nil && errors.Is(a.err, c.err) {
		v.metrics.invalid.WithLabelValues(string(webhook.ValidationReject)).Add(float64(c.refused))
	}
	for n := range a.accepted {
		if len(a.accepted[n].Warnings) > 0 {
			v.metrics.invalid.WithLabelValues(string(webhook.ValidationWarn)).Inc()
		}
	}
}

// check holds the events against the rules. Its error says that it could not.
func (v *validator) check(ctx context.Context, ws webhook.WorkspaceID, events []webhook.NewEvent, rs *rules) (*checked, error) {
	c := &checked{version: rs.version}
	refused, err := v.hold(ctx, ws, events, rs, c)
	if err != nil || len(refused) == 0 {
		return c, err
	}
	// An event that was accepted before is the same event, whatever has become of
	// its type since.
	if err := v.forgive(ctx, ws, events, refused); err != nil {
		return nil, err
	}
	var problems []webhook.FieldError
	for n := range events {
		problems = append(problems, refused[n]...)
	}
	if len(problems) > 0 {
		c.refused = len(refused)
		c.err = webhook.Invalid(problems[:min(len(problems), maxProblems)]...)
	}
	return c, nil
}

// hold fills in the warnings and returns what is wrong with the events that are
// refused, by their place.
func (v *validator) hold(ctx context.Context, ws webhook.WorkspaceID, events []webhook.NewEvent, rs *rules, c *checked) (map[int][]webhook.FieldError, error) {
	select {
	case v.slots <- struct{}{}:
		defer func() { <-v.slots }()
	case <-ctx.Done():
		return nil, overloaded("too many events are being held against their types' schemas")
	}
	// Inside the slot: of many that wait for one new schema the first compiles it.
	schemas, err := v.schemasFor(ctx, ws, events, rs)
	if err != nil {
		return nil, err
	}
	refused := make(map[int][]webhook.FieldError)
	for n := range events {
		if ctx.Err() != nil {
			return nil, tooSlow()
		}
		e := &events[n]
		schema, ok := schemas[e.Type]
		if !ok {
			continue
		}
		problems := schema.Validate(e.Data, e.Pointer+"/data")
		switch {
		case len(problems) == 0:
		case rs.byType[e.Type].Validation == webhook.ValidationReject:
			refused[n] = problems
		default:
			if c.warnings == nil {
				c.warnings = make(map[int][]webhook.FieldError)
			}
			c.warnings[n] = problems
		}
	}
	return refused, nil
}

func tooSlow() error {
	return overloaded("the events could not be held against their types' schemas in time")
}

// forgive takes out what was accepted before under its caller's own id.
func (v *validator) forgive(ctx context.Context, ws webhook.WorkspaceID, events []webhook.NewEvent, refused map[int][]webhook.FieldError) error {
	var ids []string
	for n := range refused {
		if events[n].ID != "" {
			ids = append(ids, events[n].ID)
		}
	}
	if len(ids) == 0 {
		return nil
	}
	known, err := v.Store.Known(ctx, ws, ids)
	if err != nil {
		return err
	}
	for n := range refused {
		if slices.Contains(known, events[n].ID) {
			delete(refused, n)
		}
	}
	return nil
}
