package api

import (
	"strconv"
	"time"

	"github.com/postrider/postrider/internal/webhook"
)

type statsWire struct {
	WorkspaceID webhook.WorkspaceID `json:"workspace_id"`
	EndpointID  *string             `json:"endpoint_id" doc:"Null for the whole workspace."`
	Window      string              `json:"window" enum:"1h,24h,7d,30d" doc:"As asked for."`
	From        time.Time           `json:"from" doc:"Deliveries of events that were accepted at this time or later."`
	To          time.Time           `json:"to" doc:"And before this one: now."`
	AsOf        time.Time           `json:"as_of" doc:"All that had happened by this time is counted; now, or some seconds ago where much happens."`
	Deliveries  statsCountsWire     `json:"deliveries" doc:"By what they are now."`
	Attempts    int64               `json:"attempts" doc:"Requests made for these deliveries, until now."`
	SuccessRate *float64            `json:"success_rate" doc:"From 0 to 1: success out of success and failed. Null when there are none."`
	Duration    quantilesWire       `json:"duration_ms" doc:"How long an attempt took, in milliseconds."`
	Latency     quantilesWire       `json:"latency_ms" doc:"How long it took from an event's acceptance to a delivery's success, in milliseconds; without replays."`
	Errors      map[string]int64    `json:"errors" doc:"Failed attempts by error_class; a class that none met is left out."`
	PartSeconds int64               `json:"bucket_seconds" doc:"How long a part of the series is."`
	Series      []statsPartWire     `json:"series" doc:"The window's parts, oldest first, without gaps; the last ends now."`
}

type statsCountsWire struct {
	Total    int64 `json:"total" doc:"All of them."`
	Pending  int64 `json:"pending" doc:"Not ended yet."`
	Success  int64 `json:"success" doc:"A receiver answered with a 2xx."`
	Failed   int64 `json:"failed" doc:"The schedule ended without."`
	Canceled int64 `json:"canceled" doc:"Somebody stopped them."`
}

type quantilesWire struct {
	P50 *float64 `json:"p50" doc:"At most 5 % off, like the others. Null when nothing was measured."`
	P95 *float64 `json:"p95" doc:"Of a hundred, 95 were at most this."`
	P99 *float64 `json:"p99" doc:"Of a hundred, 99 were at most this."`
}

type statsPartWire struct {
	From     time.Time `json:"from" doc:"Its first instant."`
	To       time.Time `json:"to" doc:"The first instant after it."`
	Total    int64     `json:"total" doc:"All of them."`
	Pending  int64     `json:"pending" doc:"Not ended yet."`
	Success  int64     `json:"success" doc:"A receiver answered with a 2xx."`
	Failed   int64     `json:"failed" doc:"The schedule ended without."`
	Canceled int64     `json:"canceled" doc:"Somebody stopped them."`
	Attempts int64     `json:"attempts" doc:"Requests made for its deliveries."`
	P95      *float64  `json:"p95_ms" doc:"Of how long attempts took."`
}

func renderStats(st *webhook.Stats, w webhook.StatsWindow, endpoint webhook.ID, ws webhook.WorkspaceID, now time.Time) statsWire {
	total := st.Total()
	out := statsWire{
		WorkspaceID: ws, Window: w.Name, From: st.Parts[0].Start, To: now, AsOf: st.AsOf,
		Deliveries: countsOf(total), Attempts: total.Attempts(), Duration: quantilesOf(total.Duration), Latency: quantilesOf(total.Latency),
		Errors: map[string]int64{}, PartSeconds: int64(w.Part / time.Second), Series: make([]statsPartWire, len(st.Parts)),
	}
	if !endpoint.IsZero() {
		out.EndpointID = orNull(endpoint.Format(webhook.EndpointPrefix))
	}
	if rate, ok := total.SuccessRate(); ok {
		out.SuccessRate = &rate
	}
	for class, n := range total.Errors() {
		out.Errors[string(class)] = n
	}
	for i := range st.Parts {
		out.Series[i] = renderPart(&st.Parts[i], w, now)
	}
	return out
}

func renderPart(p *webhook.StatsPart, w webhook.StatsWindow, now time.Time) statsPartWire {
	c := countsOf(p.Tally)
	out := statsPartWire{
		From: p.Start, To: p.Start.Add(w.Part), Total: c.Total, Pending: c.Pending, Success: c.Success, Failed: c.Failed,
		Canceled: c.Canceled, Attempts: p.Tally.Attempts(), P95: millis(p.Tally.Duration, 0.95),
	}
	if out.To.After(now) {
		out.To = now
	}
	return out
}

func countsOf(t *webhook.Tally) statsCountsWire {
	return statsCountsWire{
		Total: t.Deliveries(), Pending: t.Status(webhook.StatusPending), Success: t.Status(webhook.StatusSuccess),
		Failed: t.Status(webhook.StatusFailed), Canceled: t.Status(webhook.StatusCanceled),
	}
}

func quantilesOf(of func(float64) (time.Duration, bool)) quantilesWire {
	return quantilesWire{P50: millis(of, 0.5), P95: millis(of, 0.95), P99: millis(of, 0.99)}
}

// millis has three digits: more would promise more than is known.
func millis(of func(float64) (time.Duration, bool), q float64) *float64 {
	d, ok := of(q)
	if !ok {
		return nil
	}
	v, _ := strconv.ParseFloat(strconv.FormatFloat(float64(d)/float64(time.Millisecond), 'g', 3, 64), 64) // reads what it wrote
	return &v
}
