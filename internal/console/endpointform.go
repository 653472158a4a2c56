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

// masked is how the API shows the values of headers, which are secret.
const masked = "***"

// noRetries is a schedule without any, in the form.
const noRetries = "none"

// endpointForm is what stands in the form, as it was typed.
type endpointForm struct {
	Once                                 string // tells one sending of the form from another
	URL, Events, Filters, Description    string
	Headers, Metadata                    string // Headers are a line each, and *** is a value that stays
	Timeout, Schedule, Rate, Concurrency string
	Format                               string
	Active                               bool
	// Version is which state of the endpoint the form was made of; "" for a new one.
	Version string
	// NotDeleted is why the form below it did nothing.
	NotDeleted string
	ofEndpoint
	// Errors are by field; under "" what belongs to none.
	Errors map[string]string
}

func readEndpointForm(r *http.Request) *endpointForm {
	text := func(name string) string { return strings.TrimSpace(r.PostFormValue(name)) }
	return &endpointForm{
		Once: text("once"), Version: text("version"), Headers: text("headers"), Metadata: text("metadata"), URL: text("url"), Events: text("events"), Filters: text("filters"), Description: text("description"), Format: text("format"),
		Timeout: text("timeout"), Schedule: text("retry_schedule"), Rate: text("rate_limit"), Concurrency: text("max_in_flight"), Active: r.PostFormValue("is_active") != "",
	}
}

// formOf has an endpoint as it is.
func formOf(e *client.Endpoint) *endpointForm {
	f := &endpointForm{
		URL: e.URL, Events: strings.Join(e.Events, "\n"), Description: e.Description, Format: string(e.Format), Active: e.IsActive,
		Filters: objectText(e.Filters), Metadata: objectText(e.Metadata), Timeout: strconv.Itoa(e.Timeout), Concurrency: strconv.Itoa(e.MaxInFlight),
		Version: versionOf(e.UpdatedAt),
	}
	for _, h := range sortedPairs(e.Headers) {
		f.Headers += h.Name + ": " + h.Value + "\n"
	}
	f.Headers = strings.TrimSpace(f.Headers)
	for _, s := range e.RetrySchedule {
		f.Schedule += strconv.Itoa(s) + " "
	}
	if f.Schedule = strings.TrimSpace(f.Schedule); len(e.RetrySchedule) == 0 {
		f.Schedule = noRetries
	}
	if e.RateLimit != nil {
		f.Rate = strconv.Itoa(*e.RateLimit)
	}
	return f
}

// objectText is empty for an object without members.
func objectText(raw json.RawMessage) string {
	if len(membersOf(raw)) == 0 {
		return ""
	}
	return onLines(raw)
}

// input reads what was typed; what it means the API says. ok is false where it can't
// be read.
func (f *endpointForm) input() (in client.EndpointInput, ok bool) {
	f.Errors = map[string]string{}
	in = client.EndpointInput{
		URL: f.URL, Events: strings.Fields(strings.ReplaceAll(f.Events, ",", " ")), Description: f.Description, IsActive: &f.Active, Headers: f.headers(),
		Timeout: f.number("timeout", f.Timeout), RateLimit: f.number("rate_limit", f.Rate), MaxInFlight: f.number("max_in_flight", f.Concurrency), Format: client.Format(f.Format),
	}
	if filters := f.object("filters", f.Filters); filters != nil {
		in.Filters = filters
	}
	if metadata := f.object("metadata", f.Metadata); metadata != nil {
		in.Metadata = metadata
	}
	in.RetrySchedule = f.schedule()
	return in, len(f.Errors) == 0
}

// schedule is nil for the default, and empty for no retries.
func (f *endpointForm) schedule() (delays []int) {
	if f.Schedule == noRetries {
		return []int{}
	}
	for _, word := range strings.Fields(strings.ReplaceAll(f.Schedule, ",", " ")) {
		n, err := strconv.Atoi(word)
		if err != nil {
			f.Errors["retry_schedule"] = "must be whole seconds, such as 60 300 1800"
			return nil
		}
		delays = append(delays, n)
	}
	return delays
}

// object is nil for an empty text.
func (f *endpointForm) object(name, text string) json.RawMessage {
	if text == "" {
		return nil
	}
	if wrong := notAnObject(text); wrong != "" {
		f.Errors[name] = wrong
	}
	return json.RawMessage(text)
}

// headers reads a line for each: a name, a colon and a value.
func (f *endpointForm) headers() map[string]string {
	out := map[string]string{}
	for line := range strings.Lines(f.Headers) {
		if line = strings.TrimSpace(line); line == "" {
			continue
		}
		name, value, ok := strings.Cut(line, ":")
		if name = strings.TrimSpace(name); !ok || name == "" {
			f.Errors["headers"] = "needs a name, a colon and a value on each line, such as X-Team: search"
			continue
		}
		if _, twice := out[name]; twice {
			f.Errors["headers"] = "has " + name + " twice"
		}
		out[name] = strings.TrimSpace(value)
	}
	if len(out) == 0 {
		return nil
	}
	return out
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
		name, rest, _ := strings.Cut(strings.TrimPrefix(bad.Pointer, "/"), "/")
		if !slices.Contains(f.Fields(), name) {
			name = ""
		}
		if f.Errors[name] == "" {
			f.Errors[name] = bad.Detail
			if name == "headers" && rest != "" {
				f.Errors[name] = headerWords(strings.NewReplacer("~1", "/", "~0", "~").Replace(rest), bad.Detail)
			}
		}
	}
}

// headerWords say which of the lines is wrong.
func headerWords(name, detail string) string {
	if strings.HasPrefix(detail, masked) {
		return "has " + name + ", whose value is hidden: give the value itself"
	}
	return "has " + name + ", which " + detail
}

// Fields are those that may have an error.
func (f *endpointForm) Fields() []string {
	return []string{"url", "events", "filters", "description", "headers", "metadata", "timeout", "retry_schedule", "rate_limit", "max_in_flight", "format"}
}
