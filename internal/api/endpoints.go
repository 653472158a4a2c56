package api

import (
	"context"
	"encoding/json"
	"net/http"
	"strings"

	"github.com/postrider/postrider/internal/webhook"
)

func (s *server) createEndpoint(ctx context.Context, r *request) (response, error) {
	e, invalid := s.checkedEndpoint(ctx, r)
	if invalid != nil {
		return response{}, invalid
	}
	e, err := s.Endpoints.Create(ctx, e)
	if err != nil {
		return response{}, err
	}
	out := s.renderEndpoint(&e)
	out.Secret = e.Secret
	return response{http.StatusCreated, out, "/v1/endpoints/" + out.ID}, nil
}

// checkedEndpoint is the endpoint that the body asks for.
func (s *server) checkedEndpoint(ctx context.Context, r *request) (webhook.Endpoint, *webhook.Error) {
	var in endpointInput
	e := webhook.Endpoint{ID: webhook.NewID(s.cfg.Now()), WorkspaceID: r.workspace, Secret: webhook.NewSecret()}
	if invalid := decode(r.body, &in); invalid != nil {
		return e, invalid
	}
	if invalid := in.apply(&e); invalid != nil {
		return e, invalid
	}
	if bad := s.URLs.CheckURL(ctx, e.URL); bad != nil {
		return e, webhook.Invalid(*bad)
	}
	return e, nil
}

// endpointCheckWire says whether an endpoint could be created so.
type endpointCheckWire struct {
	Valid  bool                 `json:"valid" doc:"Whether it would be created." example:"false"`
	Errors []webhook.FieldError `json:"errors" doc:"What is wrong where; as in the problem that its creation would be answered with."`
}

// checkEndpoint is its creation without creating.
func (s *server) checkEndpoint(ctx context.Context, r *request) (response, error) {
	_, invalid := s.checkedEndpoint(ctx, r)
	out := endpointCheckWire{Valid: invalid == nil, Errors: []webhook.FieldError{}}
	if invalid != nil {
		out.Errors = invalid.Fields
	}
	return response{http.StatusOK, out, ""}, nil
}

func weakSecret() *webhook.Error {
	detail := "must be whsec_ and the base64 of 24 to 64 bytes"
	return &webhook.Error{
		Code: webhook.CodeWeakSecret, Detail: "the secret " + detail,
		Fields: []webhook.FieldError{{Pointer: "/secret", Detail: detail}},
	}
}

func (r *request) endpointID() (webhook.ID, error) {
	return r.id("id", webhook.EndpointPrefix, "endpoint")
}

// endpoint is the one that the path names.
func (s *server) endpoint(ctx context.Context, r *request) (webhook.Endpoint, error) {
	id, err := r.endpointID()
	if err != nil {
		return webhook.Endpoint{}, err
	}
	return s.Endpoints.Get(ctx, r.workspace, id)
}

func (s *server) getEndpoint(ctx context.Context, r *request) (response, error) {
	e, err := s.endpoint(ctx, r)
	if err != nil {
		return response{}, err
	}
	return response{http.StatusOK, s.renderEndpoint(&e), ""}, nil
}

func (s *server) listEndpoints(ctx context.Context, r *request) (response, error) {
	p, err := r.page()
	if err != nil {
		return response{}, err
	}
	f, err := r.endpointFilter()
	if err != nil {
		return response{}, err
	}
	if f != (webhook.EndpointFilter{}) {
		return s.listEndpointsLike(ctx, r, f, p)
	}
	rows, more, err := s.Endpoints.List(ctx, r.workspace, p)
	if err != nil {
		return response{}, err
	}
	return pageOf(rows, more, func(e *webhook.Endpoint) webhook.ID { return e.ID }, s.renderEndpoint), nil
}

// listEndpointsLike is the page of endpoints that are as wanted.
func (s *server) listEndpointsLike(ctx context.Context, r *request, f webhook.EndpointFilter, p webhook.Page) (response, error) {
	ids, next, err := s.Endpoints.Find(ctx, r.workspace, f, p)
	if err != nil {
		return response{}, err
	}
	rows, err := s.Endpoints.Some(ctx, r.workspace, ids)
	if err != nil {
		return response{}, err
	}
	return pageBefore(rows, next, s.renderEndpoint), nil
}

func (s *server) deleteEndpoint(ctx context.Context, r *request) (response, error) {
	id, err := r.endpointID()
	if err != nil {
		return response{}, err
	}
	return response{status: http.StatusNoContent}, s.Endpoints.Delete(ctx, r.workspace, id)
}

// patchEndpoint merges twice: once to refuse what is wrong before anything is
// locked, and for asking DNS; and once more on the endpoint as it is when the
// change is made.
func (s *server) patchEndpoint(ctx context.Context, r *request) (response, error) {
	e, err := s.endpoint(ctx, r)
	if err != nil {
		return response{}, err
	}
	before := e.URL
	if err := patch(&e, r.body); err != nil {
		return response{}, err
	}
	if e.URL != before {
		if bad := s.URLs.CheckURL(ctx, e.URL); bad != nil {
			return response{}, webhook.Invalid(*bad)
		}
	}
	e, err = s.Endpoints.Update(ctx, r.workspace, e.ID, func(e *webhook.Endpoint) error {
		// A nil *Error must not become an error that is not nil.
		if err := patch(e, r.body); err != nil {
			return err
		}
		return nil
	})
	if err != nil {
		return response{}, err
	}
	return response{http.StatusOK, s.renderEndpoint(&e), ""}, nil
}

// patch applies a merge patch. What it leaves alone stays as it is, so the
// result is checked like a new endpoint.
func patch(e *webhook.Endpoint, body []byte) *webhook.Error {
	merged, err := mergePatch(encodeJSON(inputOf(e)), body, map[string]merger{
		"headers": mergeHeaders, "metadata": mergeMetadata, "secret": replaceSecret,
	})
	if err != nil {
		return err
	}
	var in endpointInput
	if err := decode(merged, &in); err != nil {
		return err
	}
	return in.apply(e)
}

// replaceSecret refuses null, which would bring a default back: an endpoint always
// has a secret of its own.
func replaceSecret(_, patch json.RawMessage) (json.RawMessage, *webhook.Error) {
	if isNull(patch) {
		return nil, invalidField("/secret", "must not be null")
	}
	return patch, nil
}

func mergeMetadata(old, patch json.RawMessage) (json.RawMessage, *webhook.Error) {
	if isNull(patch) {
		return patch, nil
	}
	if len(patch) > maxMetadataBytes {
		return nil, invalidField("/metadata", "must not be larger than 16 KiB")
	}
	return mergeValue(old, patch), nil
}

// mergeHeaders merges by name, whatever the case. "***" is how a value was
// shown, so sending it back leaves that header as it is.
func mergeHeaders(old, patch json.RawMessage) (json.RawMessage, *webhook.Error) {
	if isNull(patch) {
		return patch, nil
	}
	if !isObject(patch) {
		return nil, invalidField("/headers", "must be an object of strings")
	}
	if len(patch) > 4*maxHeaderBytes {
		return nil, invalidField("/headers", "must not be larger than 16 KiB in all")
	}
	if old == nil {
		old = json.RawMessage("{}")
	}
	out := newOrdered(old)
	spelled := make(map[string]string, len(out.all))
	for _, m := range out.all {
		spelled[strings.ToLower(m.key)] = m.key
	}
	given := make(map[string]bool)
	for _, m := range members(patch) {
		folded := strings.ToLower(m.key)
		if given[folded] {
			return nil, invalidField(child("/headers", m.key), "is given more than once")
		}
		given[folded] = true
		earlier, known := spelled[folded]
		switch {
		case known && textOf(m.value) == webhook.Masked:
			continue
		case known:
			out.set(earlier, nil)
		}
		if !isNull(m.value) {
			out.set(m.key, m.value)
		}
	}
	return out.join(), nil
}
