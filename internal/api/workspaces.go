package api

import (
	"context"
	"encoding/binary"
	"fmt"
	"net/http"
	"slices"
	"time"

	"github.com/postrider/postrider/internal/webhook"
)

type workspaceInput struct {
	ID   *webhook.WorkspaceID `json:"id,omitempty" doc:"1 to 64 of A-Za-z0-9_-; a number in digits alone, not 1e3, is the same id. Generated when left out. It can't be changed or used again."`
	Name string               `json:"name" minLength:"1" maxLength:"200" doc:"What people call it." example:"My Blog"`
	// Checked by checkOrigins.
	PortalOrigins []string `json:"portal_origins,omitempty" maxItems:"20" maxLength:"300" pattern:"^https?://[a-z0-9]([a-z0-9-]*[a-z0-9])?(\\.[a-z0-9]([a-z0-9-]*[a-z0-9])?)*(:[0-9]{1,5})?$" doc:"Sites that may show its portal in a frame: a scheme, a host and a port other than the scheme's own. Default none." example:"https://app.example.com"`
}

type workspacePatch struct {
	Name          string   `json:"name" minLength:"1" maxLength:"200" doc:"What people call it." example:"My Blog"`
	PortalOrigins []string `json:"portal_origins,omitempty" nullable:"true" maxItems:"20" maxLength:"300" pattern:"^https?://[a-z0-9]([a-z0-9-]*[a-z0-9])?(\\.[a-z0-9]([a-z0-9-]*[a-z0-9])?)*(:[0-9]{1,5})?$" doc:"Sites that may show its portal in a frame, replaced whole; null for none." example:"https://app.example.com"`
}

func (s *server) createWorkspace(ctx context.Context, r *request) (response, error) {
	var in workspaceInput
	if err := decode(r.body, &in); err != nil {
		return response{}, err
	}
	id := webhook.NewWorkspaceID(s.cfg.Now())
	if in.ID != nil {
		id = *in.ID
	}
	if bad := checkOrigins(in.PortalOrigins); bad != nil {
		return response{}, bad
	}
	w, err := s.Workspaces.Create(ctx, webhook.Workspace{ID: id, Name: in.Name, PortalOrigins: in.PortalOrigins})
	if err != nil {
		return response{}, err
	}
	return response{http.StatusCreated, renderWorkspace(&w), "/v1/workspaces/" + string(w.ID)}, nil
}

// workspaceID reads {id}; it takes no workspace header.
func (r *request) workspaceID() (webhook.WorkspaceID, error) {
	id := webhook.WorkspaceID(r.param("id"))
	if !id.Valid() {
		return id, webhook.NotFound("workspace")
	}
	return id, nil
}

func (s *server) getWorkspace(ctx context.Context, r *request) (response, error) {
	id, err := r.workspaceID()
	if err != nil {
		return response{}, err
	}
	w, err := s.Workspaces.Get(ctx, id)
	return response{http.StatusOK, renderWorkspace(&w), ""}, err
}

func (s *server) patchWorkspace(ctx context.Context, r *request) (response, error) {
	id, err := r.workspaceID()
	if err != nil {
		return response{}, err
	}
	w, err := s.Workspaces.Get(ctx, id)
	if err != nil {
		return response{}, err
	}
	edit := func(w *webhook.Workspace) error { return patchedWorkspace(w, r.body) }
	before := w
	if err := edit(&w); err != nil {
		return response{}, err
	}
	if w.Name != before.Name || !slices.Equal(w.PortalOrigins, before.PortalOrigins) {
		w, err = s.Workspaces.Update(ctx, id, edit)
	}
	return response{http.StatusOK, renderWorkspace(&w), ""}, err
}

// patchedWorkspace applies a merge patch.
func patchedWorkspace(w *webhook.Workspace, body []byte) error {
	merged, invalid := mergePatch(encodeJSON(workspacePatch{w.Name, w.PortalOrigins}), body, nil)
	if invalid != nil {
		return invalid
	}
	var in workspacePatch
	if err := decode(merged, &in); err != nil {
		return err
	}
	if bad := checkOrigins(in.PortalOrigins); bad != nil {
		return bad
	}
	w.Name, w.PortalOrigins = in.Name, in.PortalOrigins
	return nil
}

// checkOrigins is nil where all are origins: an interface, for callers return it.
func checkOrigins(origins []string) error {
	for i, o := range origins {
		if !webhook.ValidOrigin(o) {
			return invalidField(fmt.Sprintf("/portal_origins/%d", i), "must be an origin such as https://app.example.com: in lower case, without a path, and without the scheme's own port")
		}
	}
	return nil
}

func (s *server) deleteWorkspace(ctx context.Context, r *request) (response, error) {
	id, err := r.workspaceID()
	if err != nil {
		return response{}, err
	}
	return response{status: http.StatusNoContent}, s.Workspaces.Delete(ctx, id)
}

func (s *server) listWorkspaces(ctx context.Context, r *request) (response, error) {
	limit, err := r.limit()
	if err != nil {
		return response{}, err
	}
	var after webhook.Workspace
	if r.query.Has("cursor") {
		var ok bool
		if after, ok = workspaceCursor(r.query.Get("cursor")); !ok {
			return response{}, badCursor()
		}
	}
	rows, more, err := s.Workspaces.List(ctx, after, limit)
	if err != nil {
		return response{}, err
	}
	out := list[workspaceWire]{Data: make([]workspaceWire, len(rows))}
	for i := range rows {
		out.Data[i] = renderWorkspace(&rows[i])
	}
	if more {
		out.NextCursor = encodeCursor(workspaceKey(&rows[len(rows)-1]))
	}
	return response{http.StatusOK, out, ""}, nil
}

// workspaceKey is what the list goes by: the time of creation, then the id.
func workspaceKey(w *webhook.Workspace) []byte {
	return append(binary.BigEndian.AppendUint64(nil, uint64(w.CreatedAt.UnixMicro())), w.ID...)
}

func workspaceCursor(cursor string) (w webhook.Workspace, ok bool) {
	raw, ok := decodeCursor(cursor)
	if !ok || len(raw) < 9 {
		return w, false
	}
	micros := int64(binary.BigEndian.Uint64(raw))
	w.ID, w.CreatedAt = webhook.WorkspaceID(raw[8:]), time.UnixMicro(micros).UTC()
	// Outside of these years Postgres has no such time.
	return w, w.ID.Valid() && w.CreatedAt.Year() >= 1970 && w.CreatedAt.Year() <= 9999
}
