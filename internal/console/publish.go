package console

import (
	"context"
	"encoding/json"
	"net/http"
	"strings"

	"github.com/postrider/postrider/client"
	"github.com/postrider/postrider/internal/webhook"
)

func newEvent(v *visit) error {
	f := &publishForm{Wrong: mistakes{}, Data: "{\n  \"id\": 123\n}"}
	if name := strings.TrimSpace(v.r.URL.Query().Get("type")); name != "" {
		if err := f.fillIn(v, name); err != nil {
			return err
		}
	}
	return f.show(v, http.StatusOK)
}

// checkEvent says beside its field what is wrong, and who would get the event, while
// it is typed. What was not touched yet is not wrong yet.
func checkEvent(v *visit) error {
	f, err := readPublishForm(v.r)
	if err != nil {
		return err
	}
	e, ok := f.event()
	if ok {
		f.Wrong.refused(e.Check(false), publishFields...)
		if f.Preview, err = newPreview(v.ctx(), v, f); err != nil {
			return err
		}
	}
	if f.Type == "" {
		delete(f.Wrong, "type")
	}
	return v.fragment("event-new", "checked", f)
}

func publishEvent(v *visit) error {
	f, err := readPublishForm(v.r)
	if err != nil {
		return err
	}
	e, ok := f.event()
	if !ok {
		return f.show(v, http.StatusUnprocessableEntity)
	}
	ctx := v.ctx()
	if f.Once != "" { // who sends the form twice has one event
		ctx = client.WithIdempotencyKey(ctx, f.Once)
	}
	got, err := v.api.Events.Publish(ctx, e)
	if f.Wrong.refused(err, publishFields...) {
		return f.show(v, http.StatusUnprocessableEntity)
	}
	if err != nil {
		return err
	}
	if got.Known && v.May(string(webhook.ScopeEventsRead)) {
		return v.redirect("/events/" + got.ID + "?done=known")
	}
	if len(got.Warnings) == 0 && v.May(string(webhook.ScopeEventsRead)) {
		return v.redirect("/events/" + got.ID + "?done=published")
	}
	v.at(crumb{"Events", v.Home() + "/events"})
	return v.render("event-published", titleOfPublished(&got), got)
}

func titleOfPublished(got *client.Accepted) string {
	if got.Known {
		return "Event not published again"
	}
	return "Event published"
}

// preview is who would get the event, among the newest endpoints.
type preview struct {
	Rows    []previewRow
	Matched int
	More    bool // there are other endpoints, which were not asked about
}

// Asked is how many endpoints were.
func (p *preview) Asked() string { return plural(int64(len(p.Rows)), "endpoint") }

type previewRow struct {
	EndpointID, URL string
	Matched         bool
	Because         because
}

// newPreview is nil where nothing can be said: of an event that is not right, and to
// who may not read events.
func newPreview(ctx context.Context, v *visit, f *publishForm) (*preview, error) {
	data := json.RawMessage(f.Data)
	if f.Type == "" || len(f.Wrong) > 0 || !json.Valid(data) || !v.May(string(webhook.ScopeEventsRead)) {
		return nil, nil
	}
	got, err := v.api.Explain.DryRun(ctx, client.ExplainInput{Type: f.Type, Data: data}, client.ExplainFilter{EndpointID: f.EndpointID, Limit: explainedOnPage})
	if (mistakes{}).refused(err) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	p := &preview{More: got.NextCursor != nil}
	ids := make([]string, len(got.Data))
	for i := range got.Data {
		ids[i] = got.Data[i].EndpointID
	}
	urls, err := v.endpointURLs(map[string]string{}, ids)
	var others []previewRow // after those who get it
	for i := range got.Data {
		x := &got.Data[i]
		row := previewRow{x.EndpointID, urls[x.EndpointID], x.Matched, newBecause(&x.WhyNot, x.Matched)}
		if x.Matched {
			p.Rows = append(p.Rows, row)
			p.Matched++
		} else {
			others = append(others, row)
		}
	}
	p.Rows = append(p.Rows, others...)
	return p, err
}
