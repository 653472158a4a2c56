package api

import (
	"cmp"
	"context"
	"net/http"
	"net/url"
	"time"

	"github.com/postrider/postrider/internal/webhook"
)

// access says whose key opens a route.
type access int

const (
	// scoped routes act in a workspace: the admin names one, a workspace's key
	// has one and needs the route's scope.
	scoped access = iota
	adminOnly
	// wholeWorkspace routes are for who may do everything: the admin, who may name
	// no workspace and means all, or a workspace's key with every scope.
	wholeWorkspace
)

// route is one entry of the table: what it takes, what it does, what it answers.
type route struct {
	method, path string
	id           string // operationId
	tag, summary string
	doc          string
	access       access
	scope        webhook.Scope
	// bySecret: the secrets of the endpoint that the path names open it, too.
	bySecret bool
	query    []param
	body     *bodySpec
	// status and answer are the success: the code and a value of the type.
	status int
	answer any
	// sample is an answer as an example for the description.
	sample any
	// also is a second status of success with the same answer, and when.
	also map[int]string
	// other is a second status of success with an answer of another type.
	other map[int]any
	// codes are the errors of its own, beside those that every route may give.
	codes []webhook.Code
	// timeout instead of the configured one.
	timeout time.Duration
	// waits is how much longer it may take while its caller waits for something that
	// was asked for.
	waits time.Duration
	// located: the success names in Location what it made; every 201 does.
	located bool
	// lazyWorkspace leaves it to the handler to find out whether the admin's
	// workspace exists.
	lazyWorkspace bool
	// grouped routes commit what they do together with others' in a transaction
	// that the request's answer can't be kept in.
	grouped bool
	// together is handle for a request with an idempotency key whose answer can be
	// kept in the transaction of what it does. No answer and no error: nothing was
	// done, and it goes the way of all others.
	together func(ctx context.Context, r *request, once webhook.Once) (*kept, error)
	handle   func(ctx context.Context, r *request) (response, error)
	// stream is in handle's place for a route that answers for as long as its reader
	// wants. An error is one of the beginning.
	stream func(w http.ResponseWriter, r *request) error
}

// scopes are what a workspace's key needs.
func (rt *route) scopes() []webhook.Scope {
	if rt.access == wholeWorkspace {
		return webhook.Scopes()
	}
	return []webhook.Scope{rt.scope}
}

// bodySpec says what body a route takes.
type bodySpec struct {
	example  any // a value of the type, for the schema
	required bool
	limit    int64
	patch    bool // a merge patch
	copied   bool // it stays text, and is not decoded into values
}

// defaultBodyLimit is for what is no event.
const defaultBodyLimit = 1 << 20

// request is what a handler gets to see.
type request struct {
	http      *http.Request
	route     *route
	caller    webhook.ID // the key's, zero the admin's
	portal    bool       // caller is a portal link's
	workspace webhook.WorkspaceID
	query     url.Values
	body      []byte // nil when there was none
	// token is what ids are made of under an idempotency key; zero without one.
	token webhook.ID
	// free gives back what the body holds in memory before the answer does.
	free func()
}

// response is what a handler answers; a nil body is no body.
type response struct {
	status   int
	body     any
	location string
}

func (r *request) param(name string) string { return r.http.PathValue(name) }

// id reads an id in the path; one of any other shape is as unknown as one that
// nobody has.
func (r *request) id(name, prefix, what string) (webhook.ID, error) {
	id, ok := webhook.ParseID(prefix, r.param(name))
	if !ok {
		return id, webhook.NotFound(what)
	}
	return id, nil
}

// serve runs a route for one request.
func (s *server) serve(rt *route, w http.ResponseWriter, r *http.Request) {
	if rec, ok := w.(*answerRecorder); ok {
		rec.route = rt.method + " " + rt.path
	}
	if rt.stream != nil {
		if rec, ok := w.(*answerRecorder); ok {
			rec.streams = true
		}
		s.serveStream(rt, w, r)
		return
	}
	resp, err := s.run(rt, w, r)
	if err != nil {
		s.fail(w, r, err)
		return
	}
	k, ok := resp.body.(*kept)
	if !ok {
		k = answerOf(&resp)
	}
	k.write(w)
}

// serveStream runs a route whose answer goes on: no time and no place at work is
// taken for it, and how many there are is bounded where they are opened.
func (s *server) serveStream(rt *route, w http.ResponseWriter, r *http.Request) {
	req, err := s.admit(rt, w, r)
	if err == nil {
		err = rt.stream(w, req)
	}
	if err != nil {
		s.fail(w, r, err)
	}
}

// run checks what can be checked before the body is read, reads it and hands
// over to the route.
func (s *server) run(rt *route, w http.ResponseWriter, r *http.Request) (response, error) {
	req, err := s.admit(rt, w, r)
	if err != nil {
		return response{}, err
	}
	share := s.room.share(rt.body, req.caller)
	defer share.release()
	if req.body, err = readBody(w, r, share); err != nil {
		return response{}, err
	}
	req.free = share.release
	end, err := s.room.begin(rt)
	if err != nil {
		return response{}, err
	}
	defer end()
	// From here on: how long a body took is its sender's business.
	ctx, cancel := context.WithTimeout(r.Context(), s.timeoutOf(rt))
	defer cancel()
	ctx = s.asActor(ctx, rt, req, w.Header().Get(requestIDHeader))
	ctx = s.writers.reads(ctx, req)
	defer func() { s.writers.wrote(req, s.cfg.Now()) }() // before the answer is
	if rt.method == http.MethodPost && r.Header.Get(keyHeader) != "" {
		return s.once(ctx, rt, w, req)
	}
	if err := req.checkBody(); err != nil {
		return response{}, err
	}
	return rt.handle(ctx, req)
}

// timeoutOf is how long a route may take.
func (s *server) timeoutOf(rt *route) time.Duration { return cmp.Or(rt.timeout, s.cfg.Timeout) }

// admit finds out who asks, and whether they may.
func (s *server) admit(rt *route, w http.ResponseWriter, r *http.Request) (*request, error) {
	ctx, cancel := context.WithTimeout(r.Context(), s.cfg.Timeout)
	defer cancel()
	who, err := s.who(ctx, rt, r)
	if err != nil {
		return nil, err
	}
	if err := s.limit(ctx, who, w.Header()); err != nil {
		return nil, err
	}
	req := &request{http: r, route: rt, caller: who.id(), portal: who.portal}
	if err := s.authorize(ctx, rt, who, req); err != nil {
		return nil, err
	}
	req.query, err = readQuery(r.URL.RawQuery, rt.query)
	return req, err
}

// may says whether the caller's key has the scopes; a receiver was let in for this
// route alone.
func (c caller) may(rt *route) error {
	if !c.endpoint.IsZero() {
		return nil
	}
	for _, scope := range rt.scopes() {
		if !c.key.Allows(scope) {
			return webhook.Errorf(webhook.CodeForbidden, "the key lacks the scope %s", scope)
		}
	}
	return nil
}

// authorize checks the key's right and finds the workspace.
func (s *server) authorize(ctx context.Context, rt *route, who caller, req *request) error {
	if rt.access == adminOnly {
		if !who.admin {
			return webhook.Errorf(webhook.CodeForbidden, "only the admin key may do this")
		}
		return nil
	}
	given := req.http.Header.Values(workspaceHeader)
	if len(given) > 1 {
		// A proxy on the way may have looked at another one than we would.
		return invalidField(workspaceHeader, "is given more than once")
	}
	named := webhook.WorkspaceID(req.http.Header.Get(workspaceHeader))
	if !who.admin {
		// Nothing crosses: another workspace does not exist for this key.
		if named != "" && named != who.key.WorkspaceID {
			return webhook.NotFound("workspace")
		}
		if err := who.may(rt); err != nil {
			return err
		}
		req.workspace = who.key.WorkspaceID
		return nil
	}
	if named == "" && rt.access == wholeWorkspace {
		return nil
	}
	if named == "" {
		return invalidField(workspaceHeader, "the admin key names the workspace in this header")
	}
	if !named.Valid() {
		return webhook.NotFound("workspace")
	}
	req.workspace = named
	if rt.lazyWorkspace {
		return nil
	}
	_, err := s.Workspaces.Get(ctx, named)
	return err
}
