package console

import (
	"context"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/postrider/postrider/client"
	"github.com/postrider/postrider/internal/webhook"
)

// explainedOnPage keeps a page below 100 ms where payload and filters are large.
const explainedOnPage = 25

// explainPage is templates/pages/event-explain.html's.
type explainPage struct {
	client.EventExplanation
	Tabs      []tab
	Rows      []explainedRow
	CanReplay bool
}

// explainedRow is an endpoint with what became of the event there.
type explainedRow struct {
	client.Explanation
	URL, Listens string // "" where they are not known
	Because      because
	// Now is what would become of it now, where that is something else.
	Now *because
}

// Once tells one sending of the row's form from another.
func (r *explainedRow) Once() string { return webhook.NewToken() }

// because is why an event is not delivered, in words.
type because struct {
	Text    string
	Matched bool // it is, or will be: the reason says why it waits
	client.WhyNot
}

func newBecause(w *client.WhyNot, matched bool) because {
	b := because{WhyNot: *w, Matched: matched}
	if w.Detail != nil {
		b.Text = asSentence(*w.Detail)
	}
	return b
}

// Clauses are the filter's conditions that did not hold.
func (b *because) Clauses() []clause {
	if b.Path == nil {
		return nil
	}
	all := []clause{{client.Mismatch{Path: *b.Path, Wanted: b.Wanted, Found: b.Found, Missing: b.Missing, Truncated: b.Truncated}}}
	for _, m := range b.OtherMismatches {
		all = append(all, clause{m})
	}
	return all
}

// clause is a condition that did not hold.
type clause struct{ client.Mismatch }

// HasFound says whether it is about one place of the payload.
func (c clause) HasFound() bool { return c.Missing != nil }

// IsMissing says that there is nothing at that place.
func (c clause) IsMissing() bool { return c.Missing != nil && *c.Missing }

// AsOfNow says that the reason is true of the endpoint as it is now.
func (r *explainedRow) AsOfNow() bool {
	return r.Delivery == nil && r.AsOf != nil && *r.AsOf == client.AsOfNow
}

// asSentence begins large and ends with a full stop.
func asSentence(text string) string {
	first, size := utf8.DecodeRuneInString(text)
	text = string(unicode.ToUpper(first)) + text[size:]
	if strings.HasSuffix(text, "?") || strings.HasSuffix(text, ".") {
		return text
	}
	return text + "."
}

func explainEvent(v *visit) error {
	p := &explainPage{Tabs: eventTabs(v, v.pathID(), "explain")}
	var known map[string]client.Endpoint
	err := v.together(
		func(ctx context.Context) (err error) {
			p.EventExplanation, err = v.api.Explain.Event(ctx, v.pathID(), client.ExplainFilter{Limit: explainedOnPage, Cursor: v.cursor()})
			return err
		},
		func(ctx context.Context) (err error) {
			known, err = v.endpointsBeside(ctx, explainedOnPage)
			return err
		},
	)
	if err != nil {
		return err
	}
	p.CanReplay = p.PayloadKept && v.May("deliveries:write")
	for i := range p.Data {
		p.Rows = append(p.Rows, newExplainedRow(&p.Data[i], known))
	}
	v.at(crumb{"Events", v.Home() + "/events"})
	return v.render("event-explain", p.Type, p)
}

// endpointsBeside are the endpoints of the page that an explanation shows: both lists
// go by the same order and cursor.
func (v *visit) endpointsBeside(ctx context.Context, limit int) (map[string]client.Endpoint, error) {
	known := map[string]client.Endpoint{}
	if !v.May("endpoints:read") {
		return known, nil
	}
	got, err := v.api.Endpoints.List(ctx, client.ListOptions{Limit: limit, Cursor: v.cursor()})
	for _, e := range got.Data {
		known[e.ID] = e
	}
	return known, err
}

func newExplainedRow(x *client.Explanation, known map[string]client.Endpoint) explainedRow {
	row := explainedRow{Explanation: *x, Because: newBecause(&x.WhyNot, x.Matched)}
	if e, ok := known[x.EndpointID]; ok {
		row.URL, row.Listens = e.URL, listens(&e)
	}
	if differsNow(x) {
		now := newBecause(&x.Now.WhyNot, x.Now.Matched)
		row.Now = &now
	}
	return row
}

// differsNow says whether the event would fare otherwise if it were published now. Of
// a reason that is true of now there is nothing else to say.
func differsNow(x *client.Explanation) bool {
	if x.Matched != x.Now.Matched {
		return x.Now.Matched || x.Now.Reason != nil
	}
	return !x.Matched && reasonIn(&x.WhyNot) != reasonIn(&x.Now.WhyNot)
}

func reasonIn(w *client.WhyNot) client.Reason {
	if w.Reason == nil {
		return ""
	}
	return *w.Reason
}
