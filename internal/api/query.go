package api

import (
	"encoding/base64"
	"errors"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/postrider/postrider/internal/webhook"
)

// param is a query parameter.
type param struct {
	name, doc string
	format    string // of a string, e.g. date-time
	pattern   string // of a string
	integer   bool
	required  bool
	enum      []any
	example   any
}

const (
	defaultLimit = 50
	maxLimit     = 250
	// maxCursor is more than the longest cursor, a workspace's, has.
	maxCursor = 200
)

// readQuery parses the query. A parameter that a route does not know is
// refused: a misspelt filter that narrows nothing is worse than an error.
func readQuery(raw string, known []param) (url.Values, error) {
	if raw == "" {
		return nil, nil
	}
	values, err := url.ParseQuery(raw)
	if err != nil {
		return nil, webhook.Errorf(webhook.CodeBadRequest, "the query string can't be read")
	}
	var bad []webhook.FieldError
	for name, given := range values {
		if !slices.ContainsFunc(known, func(p param) bool { return p.name == name }) {
			bad = append(bad, webhook.FieldError{Pointer: name, Detail: "is no parameter of this route"})
		} else if len(given) > 1 {
			bad = append(bad, webhook.FieldError{Pointer: name, Detail: "is given more than once"})
		}
	}
	if len(bad) == 0 {
		dropEmpty(values)
		return values, nil
	}
	slices.SortFunc(bad, func(a, b webhook.FieldError) int { return cmpString(a.Pointer, b.Pointer) })
	return nil, webhook.Invalid(bad[:min(len(bad), maxErrors)]...)
}

// dropEmpty takes ?type= for not given, as clients write that fill in a form. Not
// so ?limit=, which is a number or a mistake.
func dropEmpty(values url.Values) {
	for name, given := range values {
		if name != "limit" && given[0] == "" {
			delete(values, name)
		}
	}
}

func cmpString(a, b string) int {
	switch {
	case a < b:
		return -1
	case a > b:
		return 1
	}
	return 0
}

// limit reads ?limit=.
func (r *request) limit() (int, error) {
	if !r.query.Has("limit") {
		return defaultLimit, nil
	}
	text := r.query.Get("limit")
	n, err := strconv.ParseUint(text, 10, 16)
	if err != nil || n < 1 || n > maxLimit {
		return 0, invalidField("limit", "must be a whole number from 1 to %d", maxLimit)
	}
	return int(n), nil
}

// page reads ?limit= and ?cursor= of a list that goes by id.
func (r *request) page() (p webhook.Page, err error) {
	if p.Limit, err = r.limit(); err != nil || !r.query.Has("cursor") {
		return p, err
	}
	raw, ok := decodeCursor(r.query.Get("cursor"))
	if !ok || len(raw) != len(webhook.ID{}) || webhook.ID(raw).IsZero() {
		return p, badCursor()
	}
	p.Before = webhook.ID(raw)
	return p, nil
}

func badCursor() error {
	return invalidField("cursor", "must be the next_cursor of the page before")
}

// A cursor is opaque: base64 of the last row's key.
func encodeCursor(key []byte) *string {
	s := base64.RawURLEncoding.EncodeToString(key)
	return &s
}

func decodeCursor(s string) ([]byte, bool) {
	raw, err := base64.RawURLEncoding.Strict().DecodeString(s)
	if err != nil || len(s) > maxCursor || base64.RawURLEncoding.EncodeToString(raw) != s {
		return nil, false
	}
	return raw, true
}

// list is one page of anything.
type list[T any] struct {
	Data       []T     `json:"data" doc:"One page of them."`
	NextCursor *string `json:"next_cursor" doc:"For ?cursor= of the next page; null on the last."`
}

// pageOf renders a page; id is what the list goes by.
func pageOf[R, W any](rows []R, more bool, id func(*R) webhook.ID, render func(*R) W) response {
	if !more || len(rows) == 0 {
		return pageBefore(rows, webhook.ID{}, render)
	}
	return pageBefore(rows, id(&rows[len(rows)-1]), render)
}

// pageBefore renders a page that is followed by what is before next; zero is the last.
func pageBefore[R, W any](rows []R, next webhook.ID, render func(*R) W) response {
	out := list[W]{Data: make([]W, len(rows))}
	for i := range rows {
		out.Data[i] = render(&rows[i])
	}
	if !next.IsZero() {
		out.NextCursor = encodeCursor(next[:])
	}
	return response{status: 200, body: out}
}

// nextCursor is nil on the last page.
func nextCursor[R any](rows []R, more bool, id func(*R) webhook.ID) *string {
	if !more || len(rows) == 0 {
		return nil
	}
	last := id(&rows[len(rows)-1])
	return encodeCursor(last[:])
}

// time reads a parameter such as ?since=.
func (r *request) time(name string) (time.Time, error) {
	if !r.query.Has(name) {
		return time.Time{}, nil
	}
	t, err := parseTime(r.query.Get(name))
	if err != nil {
		return t, invalidField(name, "%v", err)
	}
	return t, nil
}

// parseTime reads RFC 3339 to the letter and returns UTC.
func parseTime(text string) (t time.Time, err error) {
	text = strings.ToUpper(text) // t and z may be small in RFC 3339
	if t.UnmarshalText([]byte(text)) != nil || !strictTime(text) {
		return t, errors.New(`must be a time such as "2024-01-15T10:30:00Z" (RFC 3339)`)
	}
	t = t.UTC()
	// Also what is kept of it must not be the zero time, which stands for none.
	if y := t.Year(); y < 1 || y > 9999 || t.Truncate(timeUnit).IsZero() {
		return t, errors.New("must be a time in the years 1 to 9999, in UTC")
	}
	return t, nil
}

// strictTime refuses what package time takes beyond RFC 3339 (go.dev/issue/54580):
// an hour of one digit, a comma before the fraction, offsets of 24:00 or +01:60.
func strictTime(text string) bool {
	offset := text[len(text)-len("07:00"):]
	return text[len("2006-01-02T1")] != ':' && !strings.Contains(text, ",") &&
		(strings.HasSuffix(text, "Z") || offset[:2] < "24" && offset[3:] < "60")
}

// eventType reads ?type=.
func (r *request) eventType() (string, error) {
	t := r.query.Get("type")
	if r.query.Has("type") && !webhook.ValidEventType(t) {
		return "", invalidField("type", "must be an event type such as post.created")
	}
	return t, nil
}
