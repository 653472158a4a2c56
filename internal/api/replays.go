package api

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"time"

	"github.com/postrider/postrider/internal/match"
	"github.com/postrider/postrider/internal/webhook"
)

// countTimeout bounds the count that a replay begins with.
const countTimeout = 30 * time.Second

// replayEndpoint makes deliveries of stored events to one endpoint anew, in the
// background.
func (s *server) replayEndpoint(ctx context.Context, r *request) (response, error) {
	e, err := s.endpoint(ctx, r)
	if err != nil {
		return response{}, err
	}
	var in endpointReplayInput
	if invalid := decode(r.body, &in); invalid != nil {
		return response{}, invalid
	}
	replay := webhook.Replay{
		ID: webhook.NewID(s.cfg.Now()), WorkspaceID: r.workspace, EndpointID: e.ID, Status: webhook.ReplayRunning, Until: s.cfg.Now(),
	}
	if invalid := in.apply(&replay); invalid != nil {
		return response{}, invalid
	}
	sub, err := match.Stored(&e)
	if err != nil {
		return response{}, err
	}
	replay.Total, err = s.Replays.Count(ctx, &replay, sub.Match)
	if errors.Is(ctx.Err(), context.DeadlineExceeded) {
		return response{}, invalidField("/since", "counting took longer than %s: choose a shorter time", countTimeout)
	}
	if err != nil {
		return response{}, err
	}
	if in.DryRun {
		return response{status: http.StatusOK, body: replayCountWire{Total: replay.Total}}, nil
	}
	if err := s.Replays.Create(ctx, &replay); err != nil {
		return response{}, err
	}
	out := s.renderReplay(&replay)
	return response{http.StatusAccepted, out, "/v1/replays/" + out.ID}, nil
}

func (in *endpointReplayInput) apply(r *webhook.Replay) *webhook.Error {
	var bad []webhook.FieldError
	fail := func(pointer, format string, args ...any) {
		bad = append(bad, webhook.FieldError{Pointer: pointer, Detail: fmt.Sprintf(format, args...)})
	}
	var err error
	if r.Since, err = parseTime(in.Since); err != nil {
		fail("/since", "%v", err)
	}
	if in.Until != nil {
		if r.Until, err = parseTime(*in.Until); err != nil {
			fail("/until", "%v", err)
		}
	}
	// As they are kept.
	r.Since, r.Until = webhook.CeilMilli(r.Since).UTC(), webhook.CeilMilli(r.Until).UTC()
	if len(bad) == 0 && !r.Since.Before(r.Until) {
		fail("/since", "must be before until, which is now unless given")
	}
	r.Statuses = []webhook.Status{webhook.StatusFailed}
	if in.Statuses != nil {
		r.Statuses = r.Statuses[:0]
		for i, text := range in.Statuses {
			status := webhook.Status(text)
			switch {
			case !slices.Contains(replayable, status):
				fail(fmt.Sprintf("/statuses/%d", i), "must be failed, canceled, success or missing")
			case status == webhook.StatusMissing && len(in.Statuses) > 1:
				fail(fmt.Sprintf("/statuses/%d", i), "must stand alone: what is missing has no status")
			default:
				r.Statuses = append(r.Statuses, status)
			}
		}
	}
	for i, t := range in.Types {
		if !webhook.ValidEventType(t) {
			fail(fmt.Sprintf("/types/%d", i), "must be an event type, such as post.created")
		}
	}
	r.Types = in.Types
	if len(bad) > 0 {
		return webhook.Invalid(bad[:min(len(bad), maxErrors)]...)
	}
	return nil
}

var replayable = []webhook.Status{webhook.StatusFailed, webhook.StatusCanceled, webhook.StatusSuccess, webhook.StatusMissing}

// replayEvent makes one event's deliveries anew: to the endpoints that are named,
// or to those that match it now.
func (s *server) replayEvent(ctx context.Context, r *request) (response, error) {
	e, err := s.Events.Get(ctx, r.workspace, r.param("id"))
	if err != nil {
		return response{}, err
	}
	var in eventReplayInput
	if invalid := decode(r.body, &in); invalid != nil {
		return response{}, invalid
	}
	if e.Body == nil {
		return response{}, &webhook.Error{Code: webhook.CodeNotRetryable, Detail: "the event's payload is no longer kept"}
	}
	endpoints, err := s.replayTargets(ctx, &e, in.EndpointIDs)
	if err != nil {
		return response{}, err
	}
	replay := webhook.Replay{
		ID: webhook.NewID(s.cfg.Now()), WorkspaceID: r.workspace, EventID: e.ID, Since: e.ID.Time(), Until: e.ID.Time().Add(time.Millisecond),
	}
	if err := s.Replays.ReplayEvent(ctx, &replay, e.Type, endpoints); err != nil {
		return response{}, err
	}
	out := s.renderReplay(&replay)
	return response{http.StatusAccepted, out, "/v1/replays/" + out.ID}, nil
}

func (s *server) replayTargets(ctx context.Context, e *webhook.Event, named []string) ([]webhook.ID, error) {
	if named == nil {
		return s.matching(ctx, e)
	}
	ids := make([]webhook.ID, len(named))
	for i, text := range named {
		ids[i], _ = webhook.ParseID(webhook.EndpointPrefix, text) // the zero id is nobody's
	}
	found, err := s.Replays.Endpoints(ctx, e.WorkspaceID, ids)
	if err != nil {
		return nil, err
	}
	var bad []webhook.FieldError
	for i, id := range ids {
		if !slices.Contains(found, id) {
			bad = append(bad, webhook.FieldError{Pointer: fmt.Sprintf("/endpoint_ids/%d", i), Detail: "is no endpoint of the workspace"})
		}
	}
	if len(bad) > 0 {
		return nil, webhook.Invalid(bad[:min(len(bad), maxErrors)]...)
	}
	return found, nil
}

// matching are the workspace's active endpoints that match the event now.
func (s *server) matching(ctx context.Context, e *webhook.Event) (ids []webhook.ID, err error) {
	all, err := s.Replays.Subscribed(ctx, e.WorkspaceID)
	if err != nil {
		return nil, err
	}
	data := webhook.DataOf(e.Body, e.WorkspaceID)
	for i := range all {
		sub, err := match.Stored(&all[i])
		if err != nil {
			return nil, err
		}
		if e.Targeted(all[i].ID) && sub.Match(e.Type, data) {
			ids = append(ids, all[i].ID)
		}
	}
	return ids, nil
}

func (r *request) replayID() (webhook.ID, error) { return r.id("id", webhook.ReplayPrefix, "replay") }

func (s *server) getReplay(ctx context.Context, r *request) (response, error) {
	id, err := r.replayID()
	if err != nil {
		return response{}, err
	}
	replay, err := s.Replays.Get(ctx, r.workspace, id)
	if err != nil {
		return response{}, err
	}
	return response{status: http.StatusOK, body: s.renderReplay(&replay)}, nil
}

func (s *server) listReplays(ctx context.Context, r *request) (response, error) {
	p, err := r.page()
	if err != nil {
		return response{}, err
	}
	rows, more, err := s.Replays.List(ctx, r.workspace, p)
	if err != nil {
		return response{}, err
	}
	return pageOf(rows, more, func(r *webhook.Replay) webhook.ID { return r.ID }, s.renderReplay), nil
}

func (s *server) cancelReplay(ctx context.Context, r *request) (response, error) {
	id, err := r.replayID()
	if err != nil {
		return response{}, err
	}
	if invalid := decode(r.body, &noInput{}); invalid != nil {
		return response{}, invalid
	}
	replay, err := s.Replays.Cancel(ctx, r.workspace, id)
	if err != nil {
		return response{}, err
	}
	return response{status: http.StatusAccepted, body: s.renderReplay(&replay)}, nil
}
