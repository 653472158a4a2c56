package console

import (
	"net/http"
	"time"

	"github.com/postrider/postrider/client"
	"github.com/postrider/postrider/internal/webhook"
)

// matchingReplay is a replay of all that match, before it is started.
type matchingReplay struct {
	Filter *deliveryFilter
	URL    string
	Input  client.EndpointReplayInput
	Total  int64
	Once   string
}

// askReplay counts what a replay of all that match would make, and asks.
func askReplay(v *visit) error {
	m, err := v.matching()
	if err != nil {
		return err
	}
	count, err := v.api.Endpoints.CountReplay(v.ctx(), m.Filter.Endpoint, m.Input)
	if m.Filter.refused(err) {
		return badReplay()
	}
	if err != nil {
		return err
	}
	m.Total, m.Once = count.Total, webhook.NewToken()
	urls, err := v.endpointURLs(map[string]string{}, []string{m.Filter.Endpoint})
	if err != nil {
		return err
	}
	m.URL = urls[m.Filter.Endpoint]
	v.at(crumb{"Deliveries", v.Home() + "/deliveries"})
	return v.render("replay-matching", "Replay all that match", m)
}

// matching reads the filters as a replay.
func (v *visit) matching() (*matchingReplay, error) {
	f := readDeliveryFilter(v.r, v.c.cfg.Now())
	q := f.query()
	if len(f.Errors) > 0 || f.Endpoint == "" || f.Status == "" || f.Answer != "" || f.ID != "" {
		return nil, badReplay()
	}
	m := &matchingReplay{Filter: f, Input: client.EndpointReplayInput{Since: q.Since, Until: q.Until, Statuses: []client.ReplayOf{client.ReplayOf(f.Status)}}}
	if m.Input.Since.IsZero() {
		m.Input.Since = f.now.Add(-replaySince).UTC().Truncate(time.Second)
	}
	if m.Input.Until.IsZero() {
		m.Input.Until = f.now.UTC().Truncate(time.Millisecond) // so that what is counted is what is made
	}
	m.Input.Types = typesOf(f)
	return m, nil
}

func badReplay() error {
	return &problem{
		Status: http.StatusUnprocessableEntity, Title: "This can’t be replayed as a whole",
		Detail: "A replay is of one endpoint, by status (failed, canceled or delivered), event type and time. Filter the list by these.",
	}
}

func replayMatching(v *visit) error {
	m, err := v.matching()
	if err != nil {
		return err
	}
	r, err := v.api.Endpoints.Replay(onceOf(v, v.r.PostFormValue("once")), m.Filter.Endpoint, m.Input)
	if m.Filter.refused(err) {
		return badReplay()
	}
	if err != nil {
		return err
	}
	return v.redirect("/replays/" + r.ID + "?done=replaying")
}
