package api

import (
	"bytes"
	"context"
	"fmt"
	"net/http"
	"slices"
	"time"

	"github.com/postrider/postrider/internal/webhook"
)

// replayDeliveries makes deliveries that were chosen again, in the background.
func (s *server) replayDeliveries(ctx context.Context, r *request) (response, error) {
	var in deliveriesReplayInput
	if invalid := decode(r.body, &in); invalid != nil {
		return response{}, invalid
	}
	all, err := s.chosen(ctx, r.workspace, in.DeliveryIDs)
	if err != nil {
		return response{}, err
	}
	replay := webhook.Replay{
		ID: webhook.NewID(s.cfg.Now()), WorkspaceID: r.workspace, Status: webhook.ReplayRunning,
		Since: all[0].ID.Time(), Until: all[len(all)-1].ID.Time().Add(time.Millisecond), DeliveryIDs: onceEach(all),
	}
	replay.Total = int64(len(replay.DeliveryIDs))
	if err := s.Replays.Create(ctx, &replay); err != nil {
		return response{}, err
	}
	out := s.renderReplay(&replay)
	return response{http.StatusAccepted, out, "/v1/replays/" + out.ID}, nil
}

// chosen looks the named deliveries up, in the order of their ids. One that nobody has
// is a mistake: else a replay that leaves it out would look like one that made it.
func (s *server) chosen(ctx context.Context, ws webhook.WorkspaceID, named []string) ([]webhook.Chosen, error) {
	ids := make([]webhook.ID, len(named))
	for i, text := range named {
		ids[i], _ = webhook.ParseID(webhook.DeliveryPrefix, text) // the zero id is nobody's
	}
	all, err := s.Replays.Chosen(ctx, ws, distinct(ids))
	if err != nil {
		return nil, err
	}
	var bad []webhook.FieldError
	for i, id := range ids {
		if !slices.ContainsFunc(all, func(d webhook.Chosen) bool { return d.ID == id }) {
			bad = append(bad, webhook.FieldError{Pointer: fmt.Sprintf("/delivery_ids/%d", i), Detail: "is no delivery of the workspace"})
		}
	}
	if len(bad) > 0 {
		return nil, webhook.Invalid(bad[:min(len(bad), maxErrors)]...)
	}
	return all, nil
}

func distinct(ids []webhook.ID) []webhook.ID {
	ids = slices.Clone(ids)
	slices.SortFunc(ids, func(a, b webhook.ID) int { return bytes.Compare(a[:], b[:]) })
	return slices.Compact(ids)
}

// onceEach are those that can be made again, one of an event for each endpoint: a
// delivery and its earlier replay carry the same.
func onceEach(all []webhook.Chosen) []webhook.ID {
	type pair struct{ event, endpoint webhook.ID }
	ids, seen := []webhook.ID{}, map[pair]bool{}
	for _, d := range all {
		if p := (pair{d.EventID, d.EndpointID}); d.Again && !seen[p] {
			seen[p] = true
			ids = append(ids, d.ID)
		}
	}
	return ids
}
