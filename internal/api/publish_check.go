package api

import (
	"context"
	"maps"
	"slices"
	"strconv"
	"time"

	"github.com/postrider/postrider/internal/webhook"
)

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
		known, err := s.isKnown(ctx, ws, e.ID)
		if err != nil {
			return nil, err
		}
		if !known {
			bad = append(bad, pointTo(e, missing)...)
		}
		if len(bad) >= maxErrors {
			break
		}
	}
	return bad, nil
}

// pointTo points to those of the event's endpoints that are missing.
func pointTo(e *webhook.NewEvent, missing map[webhook.ID]bool) (bad []webhook.FieldError) {
	for n, id := range e.Targets {
		if missing[id] {
			bad = append(bad, webhook.FieldError{Pointer: item(e.Pointer+"/endpoint_ids", n), Detail: noEndpoint})
		}
	}
	return bad
}

// missingTargets is empty, and nothing is asked, where no event names endpoints.
func (s *server) missingTargets(ctx context.Context, ws webhook.WorkspaceID, events []webhook.NewEvent) (map[webhook.ID]bool, error) {
	missing := targetsOf(events)
	if len(missing) == 0 {
		return nil, nil
	}
	found, err := s.Replays.Endpoints(ctx, ws, slices.Collect(maps.Keys(missing)))
	if err != nil {
		return nil, err
	}
	for _, id := range found {
		delete(missing, id)
	}
	return missing, nil
}

func targetsOf(events []webhook.NewEvent) (all map[webhook.ID]bool) {
	for i := range events {
		for _, id := range events[i].Targets {
			if all == nil {
				all = make(map[webhook.ID]bool)
			}
			all[id] = true
		}
	}
	return all
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
