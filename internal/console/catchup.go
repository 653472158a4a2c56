package console

import (
	"bytes"
	"context"
	"net/http"
	"strings"
	"time"

	"github.com/postrider/postrider/client"
	"github.com/postrider/postrider/internal/webhook"
)

const (
	// replaysLooked is how many of a workspace's newest replays are looked at for those
	// of one endpoint, and shownReplays how many of these are shown.
	replaysLooked = 50
	shownReplays  = 5
	replaysEvery  = 2 * time.Second
	// formTime is how a time stands in a form, without a zone: UTC.
	formTime = "2006-01-02T15:04:05"
)

// catchUpPage is templates/pages/endpoint-catch-up.html's.
type catchUpPage struct {
	ofEndpoint
	Since, Until string
	Of           string // failed, canceled or missing
	Types        string
	Once         string // tells one start from another
	Error        string
	Count        *int64 // what a replay would send; nil before it was counted
	CanSee       bool   // replays
	MayCancel    bool
	Replays      []replayRow
}

// replayRow is a replay with how far it is.
type replayRow struct {
	client.Replay
	Percent int
}

// Running says whether it goes on.
func (r *replayRow) Running() bool { return r.Status == client.ReplayRunning }

// Ofs are what may be sent again.
func (p *catchUpPage) Ofs() []pair {
	return []pair{
		{string(client.ReplayOfFailed), "what failed"}, {string(client.ReplayOfMissing), "what it missed: events that made no delivery, as while it was disabled"},
		{string(client.ReplayOfCanceled), "what was canceled"},
	}
}

func catchUp(v *visit) error {
	p, err := catchUpData(v)
	if err != nil {
		return err
	}
	p.Of = string(client.ReplayOfFailed)
	p.Since = v.c.cfg.Now().UTC().Add(-24 * time.Hour).Truncate(time.Minute).Format(formTime)
	if p.Endpoint.DisabledAt != nil { // what it missed since then
		p.Of, p.Since = string(client.ReplayOfMissing), p.Endpoint.DisabledAt.UTC().Format(formTime)
	}
	return v.render("endpoint-catch-up", p.Title(), p)
}

func catchUpLive(v *visit) error {
	return v.stream("replays", replaysEvery, func(out *bytes.Buffer) error {
		p, err := catchUpData(v)
		if err != nil {
			return err
		}
		return v.part(out, "endpoint-catch-up", "replays", p)
	})
}

func catchUpData(v *visit) (*catchUpPage, error) {
	p := &catchUpPage{CanSee: v.May("deliveries:read"), MayCancel: v.May("deliveries:write")}
	var all client.Page[client.Replay]
	calls := []func(context.Context) error{func(ctx context.Context) (err error) { p.ofEndpoint, err = v.ofEndpoint(ctx, "/catch-up"); return err }}
	if p.CanSee {
		calls = append(calls, func(ctx context.Context) (err error) {
			all, err = v.api.Replays.List(ctx, client.ListOptions{Limit: replaysLooked})
			return err
		})
	}
	err := v.together(calls...)
	for _, r := range all.Data {
		if r.EndpointID != nil && *r.EndpointID == v.pathID() && len(p.Replays) < shownReplays {
			p.Replays = append(p.Replays, newReplayRow(r))
		}
	}
	return p, err
}

func newReplayRow(r client.Replay) replayRow {
	row := replayRow{Replay: r}
	if r.Total > 0 {
		row.Percent = int(min(100*r.Done/r.Total, 100))
	}
	return row
}

// countCatchUp says how many deliveries a replay would make, and makes none. Its until
// is the form's from then on: what is counted is what is sent.
func countCatchUp(v *visit) error {
	in, wrong := readCatchUp(v)
	var total client.ReplayCount
	if wrong == "" {
		var err error
		if total, err = v.api.Endpoints.CountReplay(v.ctx(), v.pathID(), in); err != nil {
			if wrong = refusalOf(err); wrong == "" {
				return err
			}
		}
	}
	return showCatchUp(v, &in, wrong, &total.Total)
}

func startCatchUp(v *visit) error {
	in, wrong := readCatchUp(v)
	if wrong == "" {
		ctx := v.ctx()
		if once := v.r.PostFormValue("once"); once != "" {
			ctx = client.WithIdempotencyKey(ctx, once)
		}
		_, err := v.api.Endpoints.Replay(ctx, v.pathID(), in)
		if err == nil {
			return v.redirect(v.endpointPath("/catch-up?done=replaying"))
		}
		if wrong = refusalOf(err); wrong == "" {
			return err
		}
	}
	return showCatchUp(v, &in, wrong, nil)
}

// showCatchUp is the form as it was filled in, with what is wrong or the count.
func showCatchUp(v *visit, in *client.EndpointReplayInput, wrong string, count *int64) error {
	p, err := catchUpData(v)
	if err != nil {
		return err
	}
	p.Since, p.Of, p.Types, p.Error = v.r.PostFormValue("since"), v.r.PostFormValue("of"), v.r.PostFormValue("types"), wrong
	if wrong != "" {
		return v.renderAs(http.StatusUnprocessableEntity, "endpoint-catch-up", p.Title(), p)
	}
	p.Until, p.Count, p.Once = in.Until.Format(formTime), count, webhook.NewToken()
	return v.render("endpoint-catch-up", p.Title(), p)
}

func readCatchUp(v *visit) (in client.EndpointReplayInput, wrong string) {
	in.Statuses = []client.ReplayOf{client.ReplayOf(v.r.PostFormValue("of"))}
	in.Types = strings.Fields(strings.ReplaceAll(v.r.PostFormValue("types"), ",", " "))
	in.Until = v.c.cfg.Now().UTC().Truncate(time.Second).Add(time.Second) // with what was accepted in this one
	var ok bool
	if in.Since, ok = formTimeOf(v.r.PostFormValue("since")); !ok {
		return in, "since must be a date and a time, such as 2026-01-31T12:00"
	}
	if text := v.r.PostFormValue("until"); text != "" {
		if in.Until, ok = formTimeOf(text); !ok {
			return in, "until must be a date and a time"
		}
	}
	return in, ""
}

// formTimeOf reads what browsers send, with seconds or without.
func formTimeOf(text string) (time.Time, bool) {
	for _, layout := range []string{formTime, "2006-01-02T15:04", "2006-01-02 15:04", time.RFC3339} {
		if t, err := time.Parse(layout, strings.TrimSpace(text)); err == nil {
			return t.UTC(), true
		}
	}
	return time.Time{}, false
}

func cancelCatchUp(v *visit) error {
	_, err := v.api.Replays.Cancel(v.ctx(), v.r.PathValue("replay"))
	if err != nil && client.CodeOf(err) != client.CodeConflict { // it has ended meanwhile
		return err
	}
	return v.redirect(v.endpointPath("/catch-up"))
}
