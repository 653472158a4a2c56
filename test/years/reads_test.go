package years

import (
	"encoding/json"
	"net/http"
	"net/url"
	"testing"
	"time"

	"github.com/postrider/postrider/internal/webhook"
)

// readings is how often each request is measured, after a few that are not.
const (
	readings = 30
	warmUps  = 3
)

// samples are ids of one side.
type samples struct {
	busy, quiet                string // endpoints
	newest, middle, oldest     string // deliveries
	event, oldEvent, ownID     string
	failed                     string
	deepDeliveries, deepEvents string // cursors, some fifteen days ago
}

// page is what of a list matters here.
type page struct {
	Data []struct {
		ID      string
		EventID string `json:"event_id"`
	}
	NextCursor string `json:"next_cursor"`
}

func (s *side) list(t *testing.T, path string) (p page) {
	t.Helper()
	s.c.Call(t, http.MethodGet, path, nil, http.StatusOK, &p)
	if len(p.Data) == 0 {
		t.Fatalf("%s: %s is empty", s.name, path)
	}
	return p
}

// ago is a time in the past, as a query parameter.
func ago(d time.Duration) string {
	return url.QueryEscape(time.Now().UTC().Add(-d).Format(time.RFC3339))
}

func (s *side) sample(t *testing.T) (x samples) {
	t.Helper()
	endpoint := func(n int) string {
		id := ask[[16]byte](t, s, "SELECT endpoint_id FROM years.endpoints WHERE workspace_id = $1 AND n = $2", big, n)
		return webhook.ID(id).Format(webhook.EndpointPrefix)
	}
	x.busy, x.quiet = endpoint(0), endpoint(endpointsOf[big]-1)
	newest := s.list(t, "/v1/deliveries?status=success&limit=1").Data[0]
	x.newest, x.event = newest.ID, newest.EventID
	deep := s.list(t, "/v1/deliveries?until="+ago(15*day))
	x.middle, x.deepDeliveries = deep.Data[0].ID, deep.NextCursor
	oldest := s.list(t, "/v1/deliveries?limit=1&until="+ago(29*day)).Data[0]
	x.oldest, x.oldEvent = oldest.ID, oldest.EventID
	x.failed = s.list(t, "/v1/deliveries?status=failed&limit=1").Data[0].ID
	x.deepEvents = s.list(t, "/v1/events?until="+ago(15*day)).NextCursor
	x.ownID = ask[string](t, s, "SELECT id FROM event_ids WHERE workspace_id = $1 LIMIT 1", big)
	return x
}

// reading is a GET request of the API.
type reading struct {
	what string
	path func(samples) string
}

func fixed(path string) func(samples) string { return func(samples) string { return path } }

func readingsOf() []reading {
	all := []reading{
		{"deliveries: newest page", fixed("/v1/deliveries")},
		{"deliveries: 250 of them", fixed("/v1/deliveries?limit=250")},
		{"deliveries: a cursor 15 days deep", func(x samples) string { return "/v1/deliveries?cursor=" + url.QueryEscape(x.deepDeliveries) }},
		{"deliveries: `until` 20 days ago", fixed("/v1/deliveries?until=" + ago(20*day))},
		{"deliveries: `since` 2 days ago", fixed("/v1/deliveries?since=" + ago(2*day))},
		{"deliveries: `status=failed`", fixed("/v1/deliveries?status=failed")},
		{"deliveries: `status=canceled`", fixed("/v1/deliveries?status=canceled")},
		{"deliveries: `status=success`", fixed("/v1/deliveries?status=success")},
		{"deliveries: `status=pending`", fixed("/v1/deliveries?status=pending")},
		{"deliveries: `type`", fixed("/v1/deliveries?type=order.t7")},
		{"deliveries: a rare `type`", fixed("/v1/deliveries?type=order.rare")},
		{"deliveries: a `type` that never occurs", fixed("/v1/deliveries?type=never")},
		{"deliveries: failed ones of a `type` that never occurs", fixed("/v1/deliveries?status=failed&type=never")},
		{"deliveries: a busy endpoint's", func(x samples) string { return "/v1/deliveries?endpoint_id=" + x.busy }},
		{"deliveries: a quiet endpoint's", func(x samples) string { return "/v1/endpoints/" + x.quiet + "/deliveries" }},
		{"deliveries: a busy endpoint's failed ones", func(x samples) string { return "/v1/deliveries?status=failed&endpoint_id=" + x.busy }},
		{"deliveries: a busy endpoint's pending ones", func(x samples) string { return "/v1/deliveries?status=pending&endpoint_id=" + x.busy }},
		{"deliveries: an event's", func(x samples) string { return "/v1/events/" + x.oldEvent + "/deliveries" }},
		{"events: newest page", fixed("/v1/events")},
		{"events: a cursor 15 days deep", func(x samples) string { return "/v1/events?cursor=" + url.QueryEscape(x.deepEvents) }},
		{"events: `type`", fixed("/v1/events?type=order.t7")},
		{"events: a `type` that never occurs", fixed("/v1/events?type=never")},
		{"delivery by id: newest", func(x samples) string { return "/v1/deliveries/" + x.newest }},
		{"delivery by id: 15 days old", func(x samples) string { return "/v1/deliveries/" + x.middle }},
		{"delivery by id: 29 days old", func(x samples) string { return "/v1/deliveries/" + x.oldest }},
		{"event by id: newest", func(x samples) string { return "/v1/events/" + x.event }},
		{"event by id: 29 days old", func(x samples) string { return "/v1/events/" + x.oldEvent }},
		{"event by its publisher's own id", func(x samples) string { return "/v1/events/" + url.PathEscape(x.ownID) }},
		{"attempts of a failed delivery", func(x samples) string { return "/v1/deliveries/" + x.failed + "/attempts" }},
		{"explain an event", func(x samples) string { return "/v1/events/" + x.oldEvent + "/explain" }},
		{"endpoints: newest page", fixed("/v1/endpoints")},
		{"endpoints' health", fixed("/v1/endpoint-health?limit=100")},
		{"an endpoint's catch-up feed", func(x samples) string { return "/v1/endpoints/" + x.busy + "/feed?limit=100&since=" + ago(2*day) }},
	}
	for _, w := range []string{"1h", "24h", "7d", "30d"} {
		all = append(all,
			reading{"stats of the workspace, `" + w + "`", fixed("/v1/stats?window=" + w)},
			reading{"stats of an endpoint, `" + w + "`", func(x samples) string { return "/v1/endpoints/" + x.busy + "/stats?window=" + w }})
	}
	return all
}

func (b both) reads(t *testing.T) (lines []line) {
	t.Helper()
	for _, r := range readingsOf() {
		if !b.there(t, r) {
			continue
		}
		b.alternate(t, warmUps, func(s *side) float64 { return s.get(t, r.path(s.ids)) })
		l := byTime(r.what, b.alternate(t, readings, func(s *side) float64 { return s.get(t, r.path(s.ids)) }))
		l.remark = b.entries(t, r)
		t.Log(l)
		lines = append(lines, l)
	}
	return lines
}

// there asks once: what the API does not have is said and left out.
func (b both) there(t *testing.T, r reading) bool {
	t.Helper()
	for _, s := range []*side{b.full, b.small} {
		if a := s.c.Do(t, http.MethodGet, r.path(s.ids), nil); a.Status != http.StatusOK {
			t.Errorf("%s, %s: %s is answered %s", r.what, s.name, r.path(s.ids), a)
			return false
		}
	}
	return true
}

// entries says how many entries each side's page had where that differs: such times
// are of different work.
func (b both) entries(t *testing.T, r reading) string {
	t.Helper()
	count := func(s *side) int {
		var p struct{ Data json.RawMessage }
		s.c.Call(t, http.MethodGet, r.path(s.ids), nil, http.StatusOK, &p)
		var all []json.RawMessage
		if json.Unmarshal(p.Data, &all) != nil {
			return -1
		}
		return len(all)
	}
	if full, small := count(b.full), count(b.small); full != small {
		return words("%d entries against %d", full, small)
	}
	return ""
}

// get is how long a GET took, answer read.
func (s *side) get(t *testing.T, path string) float64 {
	began := time.Now()
	a := s.c.Do(t, http.MethodGet, path, nil)
	took := time.Since(began)
	if a.Status != http.StatusOK {
		t.Fatalf("%s: GET %s: %s", s.name, path, a)
	}
	return milliseconds(took)
}
