package api

import (
	"context"
	"errors"
	"net/http"
	"time"

	"github.com/postrider/postrider/internal/live"
	"github.com/postrider/postrider/internal/sse"
	"github.com/postrider/postrider/internal/webhook"
)

// Streams shows what happens in a workspace.
type Streams interface {
	// Open opens a stream, to be closed.
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

const (
	beatEvery = 15 * time.Second
	// checkEvery and keyTTL are within what is promised of a revoked key.
	checkEvery = 2 * time.Second
)

// stream answers until its reader goes, the process stops, or the key may not see it
// any more.
func (s *server) stream(w http.ResponseWriter, r *request) error {
	q, err := s.readStream(r)
	if err != nil {
		return err
	}
	st, err := s.Streams.Open(&q.Query)
	if err != nil {
		return err
	}
	defer st.Close()
	out := &messages{sse.Begin(w, sseRetry)}
	if r.http.Method != http.MethodHead {
		s.show(r, q, st, out)
	}
	return nil
}

// show writes what a stream shows.
func (s *server) show(r *request, q *streamQuery, st *live.Stream, out *messages) {
	ctx, checked := r.http.Context(), time.Now()
	for out.Err() == nil {
		if now := time.Now(); now.Sub(checked) >= checkEvery {
			checked = now
			if end := s.checkStream(ctx, r, q); end != nil {
				out.send("end", webhook.ID{}, streamEndWire{Code: string(end.Code), Detail: end.Detail})
				return
			}
			st.Subscribe(q.Wants)
		}
		if time.Since(out.Last()) >= beatEvery {
			out.beat(st.Position())
		}
		next, cancel := context.WithDeadline(ctx, earliest(checked.Add(checkEvery), out.Last().Add(beatEvery)))
		m, err := st.Next(next)
		cancel()
		switch {
		case err == nil:
			out.message(&m, q)
		case errors.Is(err, live.ErrStopping) || ctx.Err() != nil: // or its reader went
			return
		}
	}
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
