package api

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/postrider/postrider/internal/webhook"
)

// optionsParser reads the fields of a publish that say more than what the event
// is. It stays small: events without them pay a comparison of names.
type optionsParser struct {
	pointer string
	// alone: the event is no batch's, and its publisher may wait.
	alone                        bool
	targets, deliverAt, waitSeen bool
	wait                         *time.Duration
}

// read is not known for any other field, and again for one that was given before.
func (p *optionsParser) read(key string, value []byte, o *webhook.Options) (known, again bool, bad []webhook.FieldError) {
	switch key {
	case "endpoint_ids":
		again, p.targets = p.targets, true
		bad = p.readTargets(value, o)
	case "deliver_at":
		again, p.deliverAt = p.deliverAt, true
		bad = p.readDeliverAt(value, o)
	case "wait":
		again, p.waitSeen = p.waitSeen, true
		bad = p.readWait(value)
	default:
		return false, false, nil
	}
	return true, again, bad
}

const noEndpoint = "is no endpoint of the workspace"

func (p *optionsParser) readTargets(value []byte, o *webhook.Options) []webhook.FieldError {
	if isNull(value) {
		return nil
	}
	var all [][]byte
	if value[0] == '[' {
		all = elements(value, webhook.MaxTargets)
	}
	if len(all) == 0 || len(all) > webhook.MaxTargets {
		return p.fail("/endpoint_ids", "must be an array of 1 to %d endpoint ids", webhook.MaxTargets)
	}
	var bad []webhook.FieldError
	o.Targets = make([]webhook.ID, len(all))
	for i, text := range all {
		id, ok := webhook.ParseID(webhook.EndpointPrefix, textOf(text))
		if !ok || id.IsZero() {
			bad = append(bad, p.fail(item("/endpoint_ids", i), noEndpoint)...)
		}
		o.Targets[i] = id
	}
	return bad
}

func (p *optionsParser) readDeliverAt(value []byte, o *webhook.Options) []webhook.FieldError {
	if isNull(value) {
		return nil
	}
	t, err := parseTime(textOf(value))
	if err != nil {
		return p.fail("/deliver_at", "%v", err)
	}
	o.DeliverAt = t
	return nil
}

func (p *optionsParser) readWait(value []byte) []webhook.FieldError {
	if !p.alone {
		return p.fail("/wait", "can be given for an event that is published alone, not in a batch")
	}
	if isNull(value) {
		return nil
	}
	const most = int(webhook.MaxWait / time.Second)
	// What begins with a quote or a letter is no number, also where ParseFloat takes it.
	seconds, err := strconv.ParseFloat(string(value), 64)
	if isNumber := value[0] == '-' || value[0] >= '0' && value[0] <= '9'; !isNumber || err != nil || seconds < 0 || seconds > float64(most) {
		return p.fail("/wait", "must be a number of seconds from 0 to %d", most)
	}
	d := time.Duration(seconds * float64(time.Second))
	p.wait = &d
	return nil
}

// together says what can't be asked for at once.
func (p *optionsParser) together(o *webhook.Options) []webhook.FieldError {
	if p.wait != nil && !o.DeliverAt.IsZero() {
		return p.fail("/wait", "can't be given together with deliver_at")
	}
	return nil
}

func (p *optionsParser) fail(at, format string, args ...any) []webhook.FieldError {
	return []webhook.FieldError{{Pointer: p.pointer + at, Detail: fmt.Sprintf(format, args...)}}
}

// checkOptions checks what depends on the time and on the workspace.
func (s *server) checkOptions(ctx context.Context, ws webhook.WorkspaceID, events []webhook.NewEvent) error {
	bad := s.checkDeliverAt(events)
	unknown, err := s.unknownTargets(ctx, ws, events)
	if err != nil {
		return err
	}
	if bad = append(bad, unknown...); len(bad) > 0 {
		return webhook.Invalid(bad[:min(len(bad), maxErrors)]...)
	}
	return nil
}

// checkDeliverAt refuses a time that is so late that the delivery could not go
// through its schedule before its day is dropped.
func (s *server) checkDeliverAt(events []webhook.NewEvent) (bad []webhook.FieldError) {
	for i := range events {
		e := &events[i]
		if !e.DeliverAt.IsZero() && e.DeliverAt.After(s.cfg.Now().Add(s.cfg.MaxDelay)) {
			bad = append(bad, webhook.FieldError{
				Pointer: e.Pointer + "/deliver_at",
				Detail:  "must be at most " + hours(s.cfg.MaxDelay) + " ahead: what is delivered later could not be retried before its retention ends",
			})
		}
	}
	return bad
}

func hours(d time.Duration) string {
	return strconv.FormatFloat(d.Hours(), 'f', -1, 64) + " hours"
}

// unknownTargets are those of the events' endpoints that the workspace does not
// have. Postgres is asked, so that one that another process made just now is known.
func (s *server) unknownTargets(ctx context.Context, ws webhook.WorkspaceID, events []webhook.NewEvent) (bad []webhook.FieldError, err error) {
	missing, err := s.missingTargets(ctx, ws, events)
	if err != nil || len(missing) == 0 {
		return nil, err
	}
	// The admin's workspace was not looked up yet.
	if _, err := s.Workspaces.Get(ctx, ws); err != nil {
		return nil, err
	}
	for i := range events {
		e := &events[i]
		if !slices.ContainsFunc(e.Targets, func(id webhook.ID) bool { return missing[id] }) {
			continue
		}
		// An event that was accepted before is the same event, whatever has become of
		// its endpoints since.
		if known, err := s.isKnown(ctx, ws, e.ID); known || err != nil {
			if err != nil {
				return nil, err
			}
			continue
		}
		for n, id := range e.Targets {
			if missing[id] {
				bad = append(bad, webhook.FieldError{Pointer: item(e.Pointer+"/endpoint_ids", n), Detail: noEndpoint})
			}
		}
		if len(bad) >= maxErrors {
			break
		}
	}
	return bad, nil
}

func (s *server) missingTargets(ctx context.Context, ws webhook.WorkspaceID, events []webhook.NewEvent) (map[webhook.ID]bool, error) {
	var ids []webhook.ID
	var missing map[webhook.ID]bool
	for i := range events {
		for _, id := range events[i].Targets {
			if missing == nil {
				missing = make(map[webhook.ID]bool)
			}
			if !missing[id] {
				missing[id] = true
				ids = append(ids, id)
			}
		}
	}
	if len(ids) == 0 {
		return nil, nil
	}
	found, err := s.Replays.Endpoints(ctx, ws, ids)
	if err != nil {
		return nil, err
	}
	for _, id := range found {
		delete(missing, id)
	}
	return missing, nil
}

// isKnown reports whether an event of that id was accepted before.
func (s *server) isKnown(ctx context.Context, ws webhook.WorkspaceID, id string) (bool, error) {
	if id == "" {
		return false, nil
	}
	_, err := s.Events.Get(ctx, ws, id)
	if webhook.CodeOf(err) == webhook.CodeNotFound {
		return false, nil
	}
	return err == nil, err
}
