package api

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"time"

	"github.com/postrider/postrider/internal/live"
	"github.com/postrider/postrider/internal/match"
	"github.com/postrider/postrider/internal/webhook"
)

// Streams shows what happens in a workspace.
type Streams interface {
	// Open opens a stream, to be closed. The error says of what there are too many.
	Open(q *live.Query) (*live.Stream, error)
}

const lastEventHeader = "Last-Event-ID"

// Kinds of what a stream shows.
const (
	kindEvent   = "event"
	kindAttempt = "attempt"
)

func (s *server) streamRoutes() []route {
	return []route{{
		method: http.MethodGet, path: "/v1/stream", id: "openStream", tag: tagStream, scope: webhook.ScopeDeliveriesRead,
		summary: "Watch events and attempts",
		doc: "Server-sent events, for as long as the connection lasts: `event` for each event that is accepted, `attempt` for each attempt that is recorded. " +
			"Events have an id: sent as Last-Event-ID it goes on where a stream broke off, without losing any; a few that came may come again, so know them by their id. " +
			"Attempts are shown only to who watches: where some were left out, as for a slow reader, `gap` says how many. `end` says why the stream ends that will not go on with this key. " +
			"The first message has an id and nothing else: what is accepted from then on is in the stream. A revoked key's streams end within 5 s.",
		query: []param{
			{name: "kinds", doc: "What to show, separated by commas: event, attempt. Default both.", pattern: "^(event|attempt)(,(event|attempt))*$", example: "event,attempt"},
			{name: "types", doc: "Only of these event types, separated by commas: types, prefixes such as post.*, or *. Default all.", pattern: patternText, example: "post.*,user.created"},
			{name: "endpoint", doc: "Only this endpoint's attempts, and the events that it wants.", pattern: patternOf(webhook.EndpointPrefix), example: "ep_" + sampleText},
			{name: "format", doc: "What an event's payload is. Default the endpoint's format, or standard.", enum: formatNames(), example: "standard"},
			{name: "since", doc: "Begin with the events that were accepted at this time or later. Without it, and without Last-Event-ID, the stream begins with those to come.", format: "date-time", example: "2024-01-15T00:00:00Z"},
		},
		status: http.StatusOK, stream: s.stream,
	}}
}

func formatNames() (out []any) {
	for _, f := range webhook.Formats() {
		out = append(out, string(f))
	}
	return out
}

// streamQuery is what a request asks a stream to show.
type streamQuery struct {
	live.Query
	format webhook.Format
	of     *webhook.Endpoint // nil without one
}

// readStream reads the query. A filter that names what is not there is an error.
func (s *server) readStream(ctx context.Context, r *request) (*streamQuery, error) {
	w := &streamQuery{Query: live.Query{Workspace: r.workspace, Owner: r.caller.String()}, format: webhook.Format(r.query.Get("format"))}
	if w.format != "" && !w.format.Valid() {
		return nil, invalidField("format", "must be standard, raw or cloudevents")
	}
	if err := w.readKinds(r.query.Get("kinds")); err != nil {
		return nil, err
	}
	if types := r.query.Get("types"); types != "" {
		set, bad := match.Compile(strings.Split(types, ","), nil)
		if len(bad) > 0 {
			return nil, invalidField("types", "each %s", bad[0].Detail)
		}
		w.Types = set
	}
	if err := s.readEndpoint(ctx, r, w); err != nil {
		return nil, err
	}
	return w, w.readStart(r)
}

func (w *streamQuery) readKinds(kinds string) error {
	if kinds == "" {
		w.Events, w.Attempts = true, true
		return nil
	}
	for kind := range strings.SplitSeq(kinds, ",") {
		switch kind {
		case kindEvent:
			w.Events = true
		case kindAttempt:
			w.Attempts = true
		default:
			return invalidField("kinds", "must be event, attempt or both, separated by a comma")
		}
	}
	return nil
}

func (s *server) readEndpoint(ctx context.Context, r *request, w *streamQuery) (err error) {
	named := r.query.Get("endpoint")
	if named == "" {
		return nil
	}
	var ok bool
	if w.Endpoint, ok = webhook.ParseID(webhook.EndpointPrefix, named); !ok {
		return webhook.NotFound("endpoint")
	}
	return s.subscribe(ctx, w)
}

// subscribe finds out what the endpoint wants at present.
func (s *server) subscribe(ctx context.Context, w *streamQuery) error {
	e, err := s.Endpoints.Get(ctx, w.Workspace, w.Endpoint)
	if err != nil {
		return err
	}
	set, err := match.Stored(&e)
	if err != nil {
		return err
	}
	w.of, w.Wants = &e, set
	return nil
}

// readStart finds out where the stream begins: where another broke off comes before
// what was asked for at first.
func (w *streamQuery) readStart(r *request) error {
	if at := r.http.Header.Get(lastEventHeader); at != "" {
		raw, ok := decodeCursor(at)
		if !ok || len(raw) != len(webhook.ID{}) || webhook.ID(raw).IsZero() {
			return invalidField(lastEventHeader, "must be the id of a message of a stream")
		}
		w.After = webhook.ID(raw)
		return nil
	}
	since, err := r.time("since")
	if err != nil || since.IsZero() {
		return err
	}
	if w.After = webhook.FirstID(since); w.After.IsZero() {
		w.After[len(w.After)-1] = 1 // zero would be those to come
	}
	return nil
}

// formatOf is what an event's payload is at present.
func (w *streamQuery) formatOf() webhook.Format {
	if w.format == "" && w.of != nil {
		return w.of.Format
	}
	return w.format
}

const (
	beatEvery = 15 * time.Second
	// checkEvery and keyTTL are within what is promised of a revoked key.
	checkEvery = 2 * time.Second
)

// stream answers until its reader goes, the process stops, or the key may not see it
// any more.
func (s *server) stream(w http.ResponseWriter, r *request) error {
	ctx := r.http.Context()
	opening, cancel := context.WithTimeout(ctx, s.cfg.Timeout)
	defer cancel()
	q, err := s.readStream(opening, r)
	if err != nil {
		return err
	}
	st, err := s.Streams.Open(&q.Query)
	if err != nil {
		return err
	}
	defer st.Close()
	sse := newSSE(w)
	if r.http.Method == http.MethodHead {
		return nil
	}
	checked := time.Now()
	for sse.err == nil {
		if now := time.Now(); now.Sub(checked) >= checkEvery {
			checked = now
			if end := s.checkStream(ctx, r, q); end != nil {
				sse.send("end", webhook.ID{}, streamEndWire{Code: string(end.Code), Detail: end.Detail})
				return nil
			}
			st.Subscribe(q.Wants)
		}
		if time.Since(sse.last) >= beatEvery {
			sse.beat(st.Position())
		}
		next, cancel := context.WithDeadline(ctx, earliest(checked.Add(checkEvery), sse.last.Add(beatEvery)))
		m, err := st.Next(next)
		cancel()
		switch {
		case err == nil:
			sse.message(&m, q)
		case errors.Is(err, live.ErrStopping) || ctx.Err() != nil: // or its reader went
			return nil
		}
	}
	return nil
}

func earliest(a, b time.Time) time.Time {
	if a.Before(b) {
		return a
	}
	return b
}

// checkStream finds out whether the caller may still see what the stream shows, and
// what the endpoint wants by now. Where that can't be found out at the moment the
// stream goes on.
func (s *server) checkStream(ctx context.Context, r *request, q *streamQuery) (end *webhook.Error) {
	ctx, cancel := context.WithTimeout(ctx, s.cfg.Timeout)
	defer cancel()
	who, err := s.who(ctx, r.route, r.http)
	if err == nil {
		err = s.authorize(ctx, r.route, who, &request{http: r.http})
	}
	if err == nil && q.of != nil {
		err = s.subscribe(ctx, q)
	}
	switch e := coded(err); e.Code {
	case webhook.CodeUnauthorized, webhook.CodeForbidden, webhook.CodeNotFound:
		return e
	}
	return nil
}
