package api

import (
	"time"

	"github.com/postrider/postrider/internal/webhook"
)

type endpointReplayInput struct {
	Since    string   `json:"since" format:"date-time" doc:"Events accepted at this time or later." example:"2024-01-15T00:00:00Z"`
	Until    *string  `json:"until,omitempty" format:"date-time" doc:"Events accepted before this time. Default now."`
	Statuses []string `json:"statuses,omitempty" minItems:"1" maxItems:"4" enum:"failed,canceled,success,missing" doc:"Of the last delivery of an event to this endpoint: failed, canceled, success; or missing, alone: events that it matches now and that made no delivery to it, as while it was disabled. Default failed."`
	Types    []string `json:"types,omitempty" maxLength:"256" minItems:"1" maxItems:"100" pattern:"^[A-Za-z0-9_-]+(\\.[A-Za-z0-9_-]+)*$" doc:"Only events of exactly these types. Default all."`
	DryRun   bool     `json:"dry_run,omitempty" doc:"Count, and do nothing."`
}

type eventReplayInput struct {
	EndpointIDs []string `json:"endpoint_ids,omitempty" minItems:"1" maxItems:"1000" doc:"To these, whatever they subscribe to. Default: the active endpoints that match the event now."`
}

type deliveriesReplayInput struct {
	DeliveryIDs []string `json:"delivery_ids" minItems:"1" maxItems:"250" doc:"These deliveries. Those that are pending, and whose endpoint was deleted or payload is no longer kept, are left out, and of several of one event to one endpoint all but one: total counts the others." example:"dlv_01hm6cfy60c6h1t8w2v9q4e7zk"`
}

type replayCountWire struct {
	Total int64 `json:"total" minimum:"0" doc:"How many deliveries a replay would make." example:"1520"`
}

type replayWire struct {
	ID               string              `json:"id" pattern:"^rpl_[0-7][0-9a-hjkmnp-tv-z]{25}$" doc:"Names the replay." example:"rpl_01kqxg5wdgf0m8c4yb2h3t9v6z"`
	WorkspaceID      webhook.WorkspaceID `json:"workspace_id" doc:"The workspace that it is for."`
	EndpointID       *string             `json:"endpoint_id" pattern:"^ep_[0-7][0-9a-hjkmnp-tv-z]{25}$" doc:"Null for the replay of one event, and of deliveries." example:"ep_01hm5a5hp0k2tqf8wzj1n9e7vd"`
	EventID          *string             `json:"event_id" pattern:"^evt_[0-7][0-9a-hjkmnp-tv-z]{25}$" doc:"Ours (evt_…). Null for the replay of an endpoint, and of deliveries."`
	DeliveryIDs      []string            `json:"delivery_ids" pattern:"^dlv_[0-7][0-9a-hjkmnp-tv-z]{25}$" doc:"Those that it makes again, of the ones that were named. Empty for the replay of an endpoint or an event." example:"dlv_01hm6cfy60c6h1t8w2v9q4e7zk"`
	Since            time.Time           `json:"since" doc:"Events accepted at this time or later."`
	Until            time.Time           `json:"until" doc:"Events accepted before this time." example:"2024-01-15T11:30:00Z"`
	Statuses         []string            `json:"statuses" enum:"failed,canceled,success,missing" doc:"Of the last delivery of an event, as asked for. Empty for the replay of one event, and of deliveries." example:"failed"`
	Types            []string            `json:"types" pattern:"^[A-Za-z0-9_-]+(\\.[A-Za-z0-9_-]+)*$" doc:"Empty for all." example:"post.created"`
	Status           string              `json:"status" enum:"running,done,canceled" doc:"running until all are made (done) or somebody stopped it (canceled)."`
	Total            int64               `json:"total" minimum:"0" doc:"How many deliveries there were to make when it was asked for." example:"1520"`
	Done             int64               `json:"done" minimum:"0" doc:"How many were made. They are delivered after what is live." example:"0"`
	RatePerSecond    *float64            `json:"rate_per_second" doc:"Made a second, on average; null before the first."`
	RemainingSeconds *int64              `json:"remaining_seconds" doc:"How long the rest takes at that rate; null when unknown, or nothing is left."`
	CreatedAt        time.Time           `json:"created_at" doc:"When it was asked for."`
	FinishedAt       *time.Time          `json:"finished_at" doc:"When it ended; null while it runs."`
}

func (s *server) renderReplay(r *webhook.Replay) replayWire {
	out := replayWire{
		ID: r.ID.Format(webhook.ReplayPrefix), WorkspaceID: r.WorkspaceID, Since: r.Since.UTC(), Until: r.Until.UTC(),
		Statuses: make([]string, len(r.Statuses)), Types: append([]string{}, r.Types...), DeliveryIDs: make([]string, len(r.DeliveryIDs)), Status: string(r.Status),
		Total: r.Total, Done: r.Done, CreatedAt: r.CreatedAt(), FinishedAt: r.FinishedAt,
	}
	for i, status := range r.Statuses {
		out.Statuses[i] = string(status)
	}
	for i, id := range r.DeliveryIDs {
		out.DeliveryIDs[i] = id.Format(webhook.DeliveryPrefix)
	}
	if !r.EndpointID.IsZero() {
		out.EndpointID = orNull(r.EndpointID.Format(webhook.EndpointPrefix))
	}
	if !r.EventID.IsZero() {
		out.EventID = orNull(r.EventID.Format(webhook.EventPrefix))
	}
	end := s.cfg.Now()
	if r.FinishedAt != nil {
		end = *r.FinishedAt
	}
	if took := end.Sub(r.CreatedAt()).Seconds(); took > 0 && r.Done > 0 {
		rate := float64(r.Done) / took
		out.RatePerSecond = &rate
		if r.Status == webhook.ReplayRunning && r.Total > r.Done {
			out.RemainingSeconds = orNull(int64(float64(r.Total-r.Done)/rate) + 1)
		}
	}
	return out
}
