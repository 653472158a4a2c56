package console

import (
	"bytes"
	"encoding/json"
	"strings"

	"github.com/postrider/postrider/client"
)

// patch changes what was changed in the form, and nothing else: what the endpoint has
// by default goes on being the default. is is the form of the endpoint as it is, in
// what the changed form says, read.
func (f *endpointForm) patch(is *endpointForm, in *client.EndpointInput) (p client.EndpointPatch) {
	e := &f.Endpoint
	if f.URL != is.URL {
		p.URL = &in.URL
	}
	if !sameWords(f.Events, is.Events) {
		p.Events = in.Events
	}
	if f.Description != inOneLine(is.Description) {
		p.Description = client.Set(in.Description)
	}
	if f.Active != is.Active {
		p.IsActive = client.Set(f.Active)
	}
	if f.Format != is.Format {
		if p.Format = client.Set(in.Format); in.Format == "" {
			p.Format = client.Null[client.Format]()
		}
	}
	if !sameJSON(f.Filters, is.Filters) {
		p.Filters = orNull(in.Filters)
	}
	if !sameJSON(f.Metadata, is.Metadata) {
		p.Metadata = metadataPatch(e.Metadata, f.Metadata)
	}
	if h := headersPatch(e.Headers, in.Headers); len(h) > 0 {
		p.Headers = client.Set(h)
	}
	f.patchPolicy(is, in, &p)
	return p
}

func (f *endpointForm) patchPolicy(is *endpointForm, in *client.EndpointInput, p *client.EndpointPatch) {
	if f.Timeout != is.Timeout {
		p.Timeout = orDefault(in.Timeout)
	}
	if f.Rate != is.Rate {
		p.RateLimit = orDefault(in.RateLimit)
	}
	if f.Concurrency != is.Concurrency {
		p.MaxInFlight = orDefault(in.MaxInFlight)
	}
	if !sameWords(f.Schedule, is.Schedule) {
		p.RetrySchedule = client.Null[[]int]()
		if in.RetrySchedule != nil {
			p.RetrySchedule = client.Set(in.RetrySchedule)
		}
	}
}

// orDefault brings a field's default back where nothing was given.
func orDefault[T any](value *T) client.Patch[T] {
	if value == nil {
		return client.Null[T]()
	}
	return client.Set(*value)
}

func orNull(value any) client.Patch[any] {
	if value == nil {
		return client.Null[any]()
	}
	return client.Set(value)
}

// headersPatch takes away what is in the form no more, and leaves out what is hidden.
func headersPatch(had, given map[string]string) map[string]*string {
	out := map[string]*string{}
	folded := map[string]bool{}
	for name, value := range given {
		folded[strings.ToLower(name)] = true
		if value != masked || had[name] == "" {
			out[name] = &value
		}
	}
	for name := range had {
		if !folded[strings.ToLower(name)] {
			out[name] = nil
		}
	}
	return out
}

// metadataPatch makes had into what is wanted. A patch is merged, so what is to go is
// null in it.
func metadataPatch(had json.RawMessage, wanted string) client.Patch[any] {
	if wanted == "" {
		return client.Null[any]()
	}
	return client.Set[any](mergeTo(had, json.RawMessage(wanted)))
}

// mergeTo is the merge patch (RFC 7396) that makes one object into another.
func mergeTo(had, wanted json.RawMessage) map[string]any {
	out := map[string]any{}
	before := map[string]json.RawMessage{}
	for _, m := range membersOf(had) {
		before[m.name], out[m.name] = m.value, nil
	}
	for _, m := range membersOf(wanted) {
		switch was, there := before[m.name]; {
		case there && sameJSON(string(was), string(m.value)):
			delete(out, m.name)
		case there && isObject(was) && isObject(m.value):
			out[m.name] = mergeTo(was, m.value)
		default:
			out[m.name] = m.value
		}
	}
	return out
}

func isObject(raw json.RawMessage) bool { return bytes.HasPrefix(bytes.TrimSpace(raw), []byte("{")) }

// inOneLine is a text as a field of one line has it, and gives it back.
func inOneLine(s string) string {
	return strings.TrimSpace(strings.NewReplacer("\r", "", "\n", "").Replace(s))
}

// sameWords compares what is separated by spaces, lines or commas.
func sameWords(a, b string) bool {
	words := func(s string) string { return strings.Join(strings.Fields(strings.ReplaceAll(s, ",", " ")), " ") }
	return words(a) == words(b)
}

// sameJSON compares but for spaces.
func sameJSON(a, b string) bool {
	var x, y bytes.Buffer
	if json.Compact(&x, []byte(a)) != nil || json.Compact(&y, []byte(b)) != nil {
		return a == b
	}
	return x.String() == y.String()
}
