package api

import (
	"context"
	"strings"

	"github.com/postrider/postrider/internal/live"
	"github.com/postrider/postrider/internal/match"
	"github.com/postrider/postrider/internal/webhook"
)

// streamQuery is what a request asks a stream to show.
type streamQuery struct {
	live.Query
	format webhook.Format
	of     *webhook.Endpoint // nil without one
}

// readStream reads the query. A filter that names what is not there is an error.
func (s *server) readStream(r *request) (*streamQuery, error) {
	ctx, cancel := context.WithTimeout(r.http.Context(), s.cfg.Timeout)
	defer cancel()
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
