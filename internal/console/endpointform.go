package console

import (
	"encoding/json"
	"errors"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/postrider/postrider/client"
)

// endpointForm is what stands in the form, as it was typed.
type endpointForm struct {
	ID, Once                             string // Once tells one sending of the form from another
	URL, Events, Filters, Description    string
	Timeout, Schedule, Rate, Concurrency string
	Format                               string
	Active                               bool
	// Errors are by field; under "" what belongs to none.
	Errors map[string]string
}

func readEndpointForm(r *http.Request) *endpointForm {
	text := func(name string) string { return strings.TrimSpace(r.PostFormValue(name)) }
	return &endpointForm{
		Once: text("once"), URL: text("url"), Events: text("events"), Filters: text("filters"), Description: text("description"), Format: text("format"),
		Timeout: text("timeout"), Schedule: text("retry_schedule"), Rate: text("rate_limit"), Concurrency: text("max_in_flight"), Active: r.PostFormValue("is_active") != "",
	}
}

func formOf(e *client.Endpoint) *endpointForm {
	f := &endpointForm{
		ID: e.ID, URL: e.URL, Events: strings.Join(e.Events, "\n"), Description: e.Description, Format: string(e.Format), Active: e.IsActive,
		Timeout: strconv.Itoa(e.Timeout), Concurrency: strconv.Itoa(e.MaxInFlight),
	}
	if string(e.Filters) != "{}" {
		f.Filters = string(e.Filters)
	}
	for _, s := range e.RetrySchedule {
		f.Schedule += strconv.Itoa(s) + " "
	}
	f.Schedule = strings.TrimSpace(f.Schedule)
	if e.RateLimit != nil {
		f.Rate = strconv.Itoa(*e.RateLimit)
	}
	return f
}

// input reads what was typed; what it means the API says. ok is false where it can't
// be read.
func (f *endpointForm) input() (in client.EndpointInput, ok bool) {
	f.Errors = map[string]string{}
	in = client.EndpointInput{
		URL: f.URL, Events: strings.Fields(strings.ReplaceAll(f.Events, ",", " ")), Description: f.Description, IsActive: &f.Active,
		Timeout: f.number("timeout", f.Timeout), RateLimit: f.number("rate_limit", f.Rate), MaxInFlight: f.number("max_in_flight", f.Concurrency), Format: client.Format(f.Format),
	}
	if f.Filters != "" {
		if !json.Valid([]byte(f.Filters)) {
			f.Errors["filters"] = "is no JSON: look for a missing quote or comma"
		}
		in.Filters = json.RawMessage(f.Filters)
	}
	for _, word := range strings.Fields(strings.ReplaceAll(f.Schedule, ",", " ")) {
		n, err := strconv.Atoi(word)
		if err != nil {
			f.Errors["retry_schedule"] = "must be whole seconds, such as 60 300 1800"
			break
		}
		in.RetrySchedule = append(in.RetrySchedule, n)
	}
	return in, len(f.Errors) == 0
}

func (f *endpointForm) number(name, text string) *int {
	if text == "" {
		return nil
	}
	n, err := strconv.Atoi(text)
	if err != nil {
		f.Errors[name] = "must be a whole number"
		return nil
	}
	return &n
}

// patchOf changes all that the form has, and leaves secret, headers and metadata.
func patchOf(in *client.EndpointInput) client.EndpointPatch {
	p := client.EndpointPatch{
		URL: &in.URL, Events: in.Events, Description: client.Set(in.Description), IsActive: client.Set(*in.IsActive), Format: client.Null[client.Format](),
		Filters: client.Null[any](), Timeout: orDefault(in.Timeout), RateLimit: orDefault(in.RateLimit), MaxInFlight: orDefault(in.MaxInFlight),
	}
	if in.Filters != nil {
		p.Filters = client.Set(in.Filters)
	}
	if in.Format != "" {
		p.Format = client.Set(in.Format)
	}
	p.RetrySchedule = client.Null[[]int]()
	if in.RetrySchedule != nil {
		p.RetrySchedule = client.Set(in.RetrySchedule)
	}
	return p
}

func orDefault(n *int) client.Patch[int] {
	if n == nil {
		return client.Null[int]()
	}
	return client.Set(*n)
}

// refused puts what the API says of the input beside its fields.
func (f *endpointForm) refused(err error) bool {
	var e *client.Error
	if !errors.As(err, &e) || e.Status != http.StatusUnprocessableEntity {
		return false
	}
	f.note(e.Errors)
	if len(f.Errors) == 0 {
		f.Errors[""] = e.Detail
	}
	return true
}

// note puts errors beside their fields, the first of each.
func (f *endpointForm) note(all []client.FieldError) {
	for _, bad := range all {
		name, _, _ := strings.Cut(strings.TrimPrefix(bad.Pointer, "/"), "/")
		if !slices.Contains(f.Fields(), name) {
			name = ""
		}
		if f.Errors[name] == "" {
			f.Errors[name] = bad.Detail
		}
	}
}

// Fields are those that may have an error.
func (f *endpointForm) Fields() []string {
	return []string{"url", "events", "filters", "description", "timeout", "retry_schedule", "rate_limit", "max_in_flight", "format"}
}

func (f *endpointForm) show(v *visit, status int, title string) error {
	v.at(crumb{"Endpoints", v.Home() + "/endpoints"})
	return v.renderAs(status, "endpoint-form", title, f)
}
