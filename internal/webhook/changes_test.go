package webhook

import (
	"encoding/json"
	"strings"
	"testing"
	"time"
)

func TestChanges(t *testing.T) {
	t.Parallel()
	timeout := 5 * time.Second
	whole := func() *Endpoint {
		return &Endpoint{
			URL: "https://example.com/hook?token=t0ken", Events: []string{"a.b"}, Filters: json.RawMessage(`{"n":1}`), IsActive: true,
			Secret: "whsec_old", Headers: map[string]string{"X-B": "hush", "X-A": "hush"}, Timeout: &timeout, RetrySchedule: []time.Duration{},
		}
	}
	for name, c := range map[string]struct {
		got  []FieldChange
		want string
	}{
		"OfNothingAreNone": {EndpointChanges(whole(), whole()), "null"},
		"OfANewOneAreWhatItHas": {
			EndpointChanges(nil, whole()),
			`[{"field":"url","after":"https://example.com/hook?***","hidden":true},{"field":"events","after":["a.b"]},{"field":"filters","after":{"n":1}},` +
				`{"field":"is_active","after":true},{"field":"secret","hidden":true},{"field":"headers","after":["X-A","X-B"],"hidden":true},` +
				`{"field":"timeout","after":5},{"field":"retry_schedule","after":[]}]`,
		},
		"ShowNoHeadersValue": {
			EndpointChanges(whole(), edited(whole(), func(e *Endpoint) { e.Headers = map[string]string{"X-B": "other", "X-A": "hush"} })),
			`[{"field":"headers","before":["X-A","X-B"],"after":["X-A","X-B"],"hidden":true}]`,
		},
		"ShowNoQuery": {
			EndpointChanges(whole(), edited(whole(), func(e *Endpoint) { e.URL = "https://example.com/hook?token=other" })),
			`[{"field":"url","before":"https://example.com/hook?***","after":"https://example.com/hook?***","hidden":true}]`,
		},
		"ShowNoSecret": {
			EndpointChanges(whole(), edited(whole(), func(e *Endpoint) { e.Secret, e.NextSecret = "whsec_new", "whsec_next" })),
			`[{"field":"secret","hidden":true},{"field":"next_secret","hidden":true}]`,
		},
		"TellTheDefaultFromNone": {
			EndpointChanges(whole(), edited(whole(), func(e *Endpoint) { e.Timeout, e.RetrySchedule = nil, nil })),
			`[{"field":"timeout","before":5,"after":null},{"field":"retry_schedule","before":[],"after":null}]`,
		},
		"LeaveOutWhatIsLarge": {
			EndpointChanges(whole(), edited(whole(), func(e *Endpoint) { e.Description = strings.Repeat("x", maxChangeBytes) })),
			`[{"field":"description","hidden":true}]`,
		},
		"KeepWhatJustFits": {
			EndpointChanges(whole(), edited(whole(), func(e *Endpoint) { e.Description = strings.Repeat("x", maxChangeBytes-2) })),
			`[{"field":"description","before":"","after":"` + strings.Repeat("x", maxChangeBytes-2) + `"}]`,
		},
		"OfAnEventType": {
			EventTypeChanges(&EventType{Validation: ValidationOff}, &EventType{Validation: ValidationWarn, Schema: json.RawMessage(`{}`)}),
			`[{"field":"schema","before":null,"after":{}},{"field":"validation","before":"off","after":"warn"}]`,
		},
		"OfAName":    {WorkspaceChanges(&Workspace{Name: "A"}, &Workspace{Name: "B", PortalOrigins: []string{}}), `[{"field":"name","before":"A","after":"B"}]`},
		"OfANewName": {WorkspaceChanges(nil, &Workspace{Name: "B"}), `[{"field":"name","after":"B"}]`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := json.Marshal(c.got)
			if err != nil || string(got) != c.want {
				t.Errorf("got  %s\nwant %s (%v)", got, c.want, err)
			}
		})
	}
}

func edited(e *Endpoint, edit func(*Endpoint)) *Endpoint {
	edit(e)
	return e
}
