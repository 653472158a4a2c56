package console

import (
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/postrider/postrider/client"
)

// deliveryFilter is what stands in the filters of the deliveries' page, as it was typed.
type deliveryFilter struct {
	Status, Endpoint, Type, ID string
	// Answer is a status class, or an error's.
	Answer string
	// Within is how long ago at most; Since and Until come before it.
	Within, Since, Until string
	Errors               map[string]string
	now                  time.Time
}

// option is one of a select's.
type option struct {
	Value, Text string
	Current     bool
}

var (
	withins = []option{{Value: "1h", Text: "Last hour"}, {Value: "24h", Text: "Last 24 hours"}, {Value: "7d", Text: "Last 7 days"}, {Value: "30d", Text: "Last 30 days"}}
	spansOf = map[string]time.Duration{"1h": time.Hour, "24h": 24 * time.Hour, "7d": 7 * 24 * time.Hour, "30d": 30 * 24 * time.Hour}
)

// deliveryStatuses are in the order of the select.
var deliveryStatuses = []client.DeliveryStatus{client.DeliveryPending, client.DeliverySuccess, client.DeliveryFailed, client.DeliveryCanceled}

func readDeliveryFilter(r *http.Request, now time.Time) *deliveryFilter {
	text := func(name string) string { return strings.TrimSpace(r.FormValue(name)) }
	f := &deliveryFilter{
		Status: text("status"), Endpoint: text("endpoint"), Type: text("type"), ID: text("id"), Answer: text("status_class"),
		Within: text("within"), Since: text("since"), Until: text("until"), Errors: map[string]string{}, now: now,
	}
	if f.Since != "" || f.Until != "" {
		f.Within = ""
	}
	return f
}

// query reads what was typed; what else is wrong with it the API says.
func (f *deliveryFilter) query() client.DeliveryFilter {
	q := client.DeliveryFilter{
		Status: client.DeliveryStatus(f.Status), EndpointID: f.Endpoint, EventID: f.ID, Type: f.Type, Since: f.time("since", f.Since), Until: f.time("until", f.Until),
	}
	if slices.ContainsFunc(answers, func(a option) bool { return a.Value == f.Answer }) {
		q.StatusClass = client.StatusClass(f.Answer)
	} else {
		q.ErrorClass = client.ErrorClass(f.Answer)
	}
	if ago, known := spansOf[f.Within]; known {
		q.Since = f.now.Add(-ago)
	} else if f.Within != "" {
		f.Errors["within"] = "must be 1h, 24h, 7d or 30d"
	}
	return q
}

// time reads what a field for times sends, and what a link may have.
func (f *deliveryFilter) time(name, text string) time.Time {
	t, ok := parseTime(text)
	if !ok && text != "" {
		f.Errors[name] = "must be a time such as 2024-01-15T10:30, in UTC"
	}
	return t
}

func parseTime(text string) (t time.Time, ok bool) {
	for _, layout := range []string{time.RFC3339, "2006-01-02T15:04:05", "2006-01-02T15:04", time.DateOnly} {
		if t, err := time.Parse(layout, text); err == nil && t.Year() > 0 {
			return t.UTC(), true
		}
	}
	return time.Time{}, false
}

// fieldsOf are the API's parameters, by the page's own where those differ.
var fieldsOf = map[string]string{"event_id": "id", "endpoint_id": "endpoint", "error_class": "status_class"}

// refused puts what the API says of the filters beside their fields.
func (f *deliveryFilter) refused(err error) bool {
	var e *client.Error
	if !errors.As(err, &e) || e.Status != http.StatusUnprocessableEntity {
		return false
	}
	for _, bad := range e.Errors {
		name := bad.Pointer
		if own, renamed := fieldsOf[name]; renamed {
			name = own
		}
		if !slices.Contains(f.fields(), name) {
			name = ""
		}
		f.Errors[name] = bad.Detail
	}
	return true
}

func (f *deliveryFilter) fields() []string {
	return []string{"status", "endpoint", "type", "status_class", "within", "since", "until", "id"}
}

// values are the parameters that are set.
func (f *deliveryFilter) values() url.Values {
	all := url.Values{}
	for i, text := range []string{f.Status, f.Endpoint, f.Type, f.Answer, f.Within, f.Since, f.Until, f.ID} {
		if text != "" {
			all.Set(f.fields()[i], text)
		}
	}
	return all
}

// Address is that of another page with these filters. It is made whole: a template
// takes a part that comes behind a question mark for one value.
func (f *deliveryFilter) Address(path string) string {
	return (&url.URL{Path: path, RawQuery: f.values().Encode()}).String()
}

// Any says whether there is a filter.
func (f *deliveryFilter) Any() bool { return len(f.values()) > 0 }

// Timed says whether from or until is set.
func (f *deliveryFilter) Timed() bool { return f.Since != "" || f.Until != "" }

// Field is a time as its field takes it; what is no time stays what it is.
func (f *deliveryFilter) Field(text string) string {
	if t, ok := parseTime(text); ok {
		return t.Format("2006-01-02T15:04:05")
	}
	return text
}

// Statuses are the select's.
func (f *deliveryFilter) Statuses() (all []option) {
	for _, s := range deliveryStatuses {
		all = append(all, option{string(s), badgeOf(s).Text, string(s) == f.Status})
	}
	return all
}

// Withins are the select's.
func (f *deliveryFilter) Withins() []option { return current(withins, f.Within) }

// Answers and Failures are the two groups of the answer's select.
func (f *deliveryFilter) Answers() []option { return current(answers, f.Answer) }

// Failures are why there was no good answer.
func (f *deliveryFilter) Failures() (all []option) {
	for _, class := range errorClasses {
		all = append(all, option{string(class), errorWords[class], string(class) == f.Answer})
	}
	return all
}

func current(all []option, value string) []option {
	all = slices.Clone(all)
	for i := range all {
		all[i].Current = all[i].Value == value
	}
	return all
}

// chip is a filter that is set, and the address without it.
type chip struct{ Name, Text, Without string }

// chips are the filters that are set, in words; urls are of endpoints, by id.
func (f *deliveryFilter) chips(path string, urls map[string]string) (all []chip) {
	words := map[string]string{
		"status": textOf(f.Statuses(), f.Status), "endpoint": urls[f.Endpoint], "within": textOf(withins, f.Within),
		"status_class": textOf(append(f.Answers(), f.Failures()...), f.Answer),
	}
	names := map[string]string{"status": "Status", "endpoint": "Endpoint", "type": "Event type", "status_class": "Answer", "within": "Time", "since": "From", "until": "Until", "id": "Event"}
	values := f.values()
	for _, name := range f.fields() {
		if !values.Has(name) {
			continue
		}
		c := chip{Name: names[name], Text: words[name]}
		if c.Text == "" {
			c.Text = values.Get(name)
		}
		rest := f.values()
		rest.Del(name)
		c.Without = (&url.URL{Path: path, RawQuery: rest.Encode()}).String()
		all = append(all, c)
	}
	return all
}

func textOf(all []option, value string) string {
	for _, o := range all {
		if o.Value == value {
			return o.Text
		}
	}
	return ""
}
