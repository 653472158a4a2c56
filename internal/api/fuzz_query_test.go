package api

import (
	"encoding/base64"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/postrider/postrider/internal/webhook"
)

// FuzzCursor holds that a cursor has one spelling, and leads to a time and an id
// that Postgres has. Whose it is matters not: lists are bound to the workspace of
// the key.
func FuzzCursor(f *testing.F) {
	for _, seed := range []string{"", "AAAAAAAAAAAAAAAAAAAAAA", "AAXbUJ5xAABhYmM", "_____________________w", "_____________________z", "AAAAAAAAAAAAAAAAAAAAAAA=", "AA\nAA"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, cursor string) {
		key, err := base64.RawURLEncoding.DecodeString(cursor)
		canonical := err == nil && base64.RawURLEncoding.EncodeToString(key) == cursor
		raw, ok := decodeCursor(cursor)
		if ok != (canonical && len(cursor) <= 200) || ok && (string(raw) != string(key) || *encodeCursor(raw) != cursor) {
			t.Fatalf("%q is read as %x, %t", cursor, raw, ok)
		}
		r := request{query: url.Values{"cursor": {cursor}}}
		p, err := r.page()
		if (err == nil) != (canonical && len(key) == 16 && strings.Trim(string(key), "\x00") != "") {
			t.Fatalf("%q: %v", cursor, err)
		}
		if err == nil && (*encodeCursor(p.Before[:]) != cursor || p.Limit != defaultLimit) {
			t.Fatalf("%q is the page %+v", cursor, p)
		}
		w, ok := workspaceCursor(cursor)
		if !ok {
			return
		}
		if *encodeCursor(workspaceKey(&w)) != cursor || !w.ID.Valid() {
			t.Fatalf("%q is read as %+v", cursor, w)
		}
		if y := w.CreatedAt.Year(); y < 1970 || y > 9999 || w.CreatedAt.Location() != time.UTC {
			t.Fatalf("%q is of %s", cursor, w.CreatedAt)
		}
	})
}

// FuzzQuery holds the query of a list of deliveries against its description: what
// is not exactly that is refused, for a filter that narrows nothing is worse than
// an error.
func FuzzQuery(f *testing.F) {
	for _, seed := range []string{
		"", "limit=250&status=failed&type=a.b&since=2024-01-15T10%3A30%3A00Z", "limit=0", "limit=%2B5", "limit=1&limit=1", "limit", "l%69mit=5", "status=",
		"until=2024-01-15T10:30:00%2B01:00", "until=2024-01-15T10:30:00+01:00", "a;b", "%zz", "status=failed%00", "cursor=&type=&since=", "&&&", "=",
	} {
		f.Add(seed)
	}
	known := append(deliveryParams(), param{name: "event_id"}, param{name: "endpoint_id"})
	f.Fuzz(func(t *testing.T, raw string) {
		var p webhook.Page
		var filter webhook.DeliveryFilter
		values, err := readQuery(raw, known)
		if err == nil {
			r := request{query: values}
			p, filter, err = r.deliveryFilter()
		}
		wantPage, wantFilter, bad := referenceQuery(raw)
		if (err == nil) != (bad == "") {
			t.Fatalf("%q: %v, want what is wrong to be %q", raw, err, bad)
		}
		if err == nil && (p != wantPage || filter != wantFilter) {
			t.Fatalf("%q is %+v %+v, want %+v %+v", raw, p, filter, wantPage, wantFilter)
		}
		if code := webhook.CodeOf(err); err != nil && code != webhook.CodeInvalid && code != webhook.CodeBadRequest {
			t.Fatalf("%q: %v", raw, err)
		}
	})
}

var limitPattern = regexp.MustCompile(`^0*[0-9]{1,3}$`)

// referenceQuery takes the query apart by hand.
func referenceQuery(raw string) (p webhook.Page, f webhook.DeliveryFilter, bad string) {
	given := map[string]string{}
	for part := range strings.SplitSeq(raw, "&") {
		if part == "" {
			continue
		}
		name, value, _ := strings.Cut(part, "=")
		name, err := url.QueryUnescape(name)
		value, err2 := url.QueryUnescape(value)
		_, twice := given[name]
		if err != nil || err2 != nil || twice || strings.Contains(part, ";") ||
			!slices.Contains([]string{"limit", "cursor", "status", "type", "since", "until", "event_id", "endpoint_id"}, name) {
			return p, f, "the parameter " + name
		}
		given[name] = value
	}
	p.Limit = 50
	if limit, ok := given["limit"]; ok {
		n, err := strconv.Atoi(limit)
		if err != nil || !limitPattern.MatchString(limit) || n < 1 || n > 250 {
			return p, f, "the limit"
		}
		p.Limit = n
	}
	if cursor := given["cursor"]; cursor != "" {
		key, err := base64.RawURLEncoding.DecodeString(cursor)
		if err != nil || len(key) != 16 || base64.RawURLEncoding.EncodeToString(key) != cursor || webhook.ID(key).IsZero() {
			return p, f, "the cursor"
		}
		p.Before = webhook.ID(key)
	}
	f.Status, f.Type = webhook.Status(given["status"]), given["type"]
	if !slices.Contains([]webhook.Status{"", "pending", "success", "failed", "canceled"}, f.Status) {
		return p, f, "the status"
	}
	if f.Type != "" && (!wordsPattern.MatchString(f.Type) || len(f.Type) > 256) {
		return p, f, "the type"
	}
	for name, into := range map[string]*time.Time{"since": &f.Since, "until": &f.Until} {
		if given[name] == "" {
			continue
		}
		at, ok := referenceTime(given[name])
		if !ok {
			return p, f, name
		}
		*into = at
	}
	return p, f, ""
}
