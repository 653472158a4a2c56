package console

import (
	"bytes"
	"errors"
	"net/http"
	"strconv"
	"time"

	"github.com/postrider/postrider/client"
	"github.com/postrider/postrider/internal/webhook"
)

func replaysPages() []page {
	const all = inWorkspace + "/replays"
	return []page{
		{method: "GET", path: all, scope: webhook.ScopeDeliveriesRead, handle: listReplays},
		{method: "GET", path: all + "/{id}", scope: webhook.ScopeDeliveriesRead, handle: showReplay},
		{method: "GET", path: all + "/{id}/live", scope: webhook.ScopeDeliveriesRead, long: true, handle: followReplay},
		{method: "POST", path: all + "/{id}/cancel", scope: webhook.ScopeDeliveriesWrite, handle: cancelReplay},
	}
}

const (
	replaysOnPage = 20
	// replayEvery is how often a replay that runs is looked at.
	replayEvery = 500 * time.Millisecond
	// replaySince is how far a replay of all that match goes back where nothing is said.
	replaySince = 30 * 24 * time.Hour
)

// replayView is a replay as people see it.
type replayView struct {
	client.Replay
	URL string // of its endpoint
}

// Running says whether it makes deliveries.
func (r *replayView) Running() bool { return r.Status == client.ReplayRunning }

// Share of it that was made, from 0 to 1.
func (r *replayView) Share() *float64 {
	share := 1.0
	if r.Total > 0 {
		share = float64(r.Done) / float64(r.Total)
	}
	return &share
}

// Rate is how many a second; "" before the first.
func (r *replayView) Rate() string {
	if r.RatePerSecond == nil {
		return ""
	}
	return strconv.FormatFloat(*r.RatePerSecond, 'f', 1, 64)
}

// Remaining is in words.
func (r *replayView) Remaining() string {
	if r.RemainingSeconds == nil {
		return ""
	}
	return span(time.Duration(*r.RemainingSeconds) * time.Second)
}

// What it is of, in words.
func (r *replayView) What() string {
	switch {
	case r.EventID != nil:
		return "Event " + *r.EventID
	case len(r.DeliveryIDs) == 1:
		return "1 chosen delivery"
	case r.EndpointID == nil:
		return exact(int64(len(r.DeliveryIDs))) + " chosen deliveries"
	case r.URL != "":
		return r.URL
	}
	return "Endpoint " + *r.EndpointID
}

// replaysPage is templates/pages/replays.html's.
type replaysPage struct {
	Rows []replayView
	Next *string
}

func listReplays(v *visit) error {
	all, err := v.api.Replays.List(v.ctx(), client.ListOptions{Limit: replaysOnPage, Cursor: v.cursor()})
	if err != nil {
		return err
	}
	p := replaysPage{Next: all.NextCursor}
	for _, r := range all.Data {
		p.Rows = append(p.Rows, replayView{Replay: r})
	}
	if err := v.nameReplays(p.Rows); err != nil {
		return err
	}
	v.at(crumb{"Deliveries", v.Home() + "/deliveries"})
	return v.render("replays", "Replays", p)
}

// nameReplays finds their endpoints' URLs.
func (v *visit) nameReplays(all []replayView) error {
	var wanted []string
	for i := range all {
		if id := all[i].EndpointID; id != nil {
			wanted = append(wanted, *id)
		}
	}
	urls, err := v.endpointURLs(map[string]string{}, wanted)
	for i := range all {
		if id := all[i].EndpointID; id != nil {
			all[i].URL = urls[*id]
		}
	}
	return err
}

func showReplay(v *visit) error {
	r, err := v.replay()
	if err != nil {
		return err
	}
	v.at(crumb{"Deliveries", v.Home() + "/deliveries"}, crumb{"Replays", v.Home() + "/replays"})
	return v.render("replay", "Replay", r)
}

func (v *visit) replay() (*replayView, error) {
	r, err := v.api.Replays.Get(v.ctx(), v.pathID())
	if err != nil {
		return nil, err
	}
	all := []replayView{{Replay: r}}
	return &all[0], v.nameReplays(all)
}

func followReplay(v *visit) error {
	return v.stream("progress", replayEvery, func(out *bytes.Buffer) error {
		r, err := v.replay()
		if err != nil {
			return err
		}
		if err := v.part(out, "replay", "progress", r); err != nil || r.Running() {
			return err
		}
		return errSettled
	})
}

// cancelReplay leads back to where it was asked for. One that ended meanwhile is no
// mistake of the reader's: the page shows it.
func cancelReplay(v *visit) error {
	_, err := v.api.Replays.Cancel(v.ctx(), v.pathID())
	if err != nil && client.CodeOf(err) != client.CodeConflict {
		return err
	}
	if err != nil {
		return v.redirect("/replays/" + v.pathID())
	}
	return v.redirect("/replays/" + v.pathID() + "?done=replay-canceled")
}

// replayChosen makes the deliveries again that were ticked.
func replayChosen(v *visit) error {
	if err := v.r.ParseForm(); err != nil {
		return &problem{Status: http.StatusBadRequest, Title: "The form can’t be read", Detail: "Go back and send it again."}
	}
	ids := v.r.Form["delivery"]
	if len(ids) == 0 {
		return &problem{Status: http.StatusUnprocessableEntity, Title: "Nothing was chosen", Detail: "Go back and tick the deliveries to make again."}
	}
	r, err := v.api.Replays.Start(onceOf(v, v.r.PostFormValue("once")), client.DeliveriesReplayInput{DeliveryIDs: ids})
	if err != nil {
		return notChosen(err)
	}
	return v.redirect("/replays/" + r.ID + "?done=replaying")
}

// notChosen says what is wrong with what was ticked: some of it may be gone by now.
func notChosen(err error) error {
	var e *client.Error
	if !errors.As(err, &e) || e.Status != http.StatusUnprocessableEntity || len(e.Errors) == 0 {
		return err
	}
	return &problem{
		Status: http.StatusUnprocessableEntity, Title: "These can’t be made again",
		Detail: exact(int64(len(e.Errors))) + " of them: " + e.Errors[0].Detail + ". Reload the list and choose again.",
	}
}
