package api

import (
	"context"
	"net/http"
	"slices"
	"time"

	"github.com/postrider/postrider/internal/webhook"
)

// PortalPath is where portal links lead, with the token behind it.
const PortalPath = "/portal/enter?token="

// defaultPortalExpiry is in seconds.
const defaultPortalExpiry = 300

type portalLinkInput struct {
	Abilities []string `json:"abilities,omitempty" minItems:"1" maxItems:"2" enum:"view,manage" doc:"What who comes by the link may do: view, to look at everything but secrets; manage, to change endpoints, show and rotate their secrets, send tests and deliver again, and to view. Default both."`
	ExpiresIn *int     `json:"expires_in,omitempty" minimum:"10" maximum:"3600" default:"300" doc:"Seconds in which the link can be used."`
}

type portalLinkWire struct {
	ID          string              `json:"id" pattern:"^ptl_[0-7][0-9a-hjkmnp-tv-z]{25}$" doc:"What the audit log calls who comes by the link." example:"ptl_01kqxg5wdgf0m8c4yb2h3t9v6z"`
	WorkspaceID webhook.WorkspaceID `json:"workspace_id" doc:"The workspace whose portal it opens."`
	URL         string              `json:"url" doc:"The link, in this answer only: send the browser there, or give it to a frame. Whoever opens it first is in, for 12 hours at the most; it can't be opened again." example:"https://webhooks.example.com/portal/enter?token=q3Zr0o9m5T2cX1vB8nK7LwYdHf4sJgUaPeQiRtMxEyA"`
	Abilities   []string            `json:"abilities" enum:"view,manage" doc:"What who comes by it may do." example:"view,manage"`
	ExpiresAt   time.Time           `json:"expires_at" doc:"Until when it can be used."`
}

func (s *server) portalRoutes() []route {
	return []route{{
		method: http.MethodPost, path: "/v1/workspaces/{id}/portal-links", id: "createPortalLink", tag: tagWorkspaces, access: adminOnly,
		summary: "Create a link into a workspace's portal",
		doc: "For a customer of yours, whose workspace it is: the portal shows its endpoints, deliveries and events, and nothing of any other workspace. " +
			"A link works once. In a frame it works on the sites that the workspace's portal_origins name.",
		body: &bodySpec{example: portalLinkInput{}, limit: defaultBodyLimit}, status: http.StatusCreated, answer: portalLinkWire{}, handle: s.createPortalLink,
	}}
}

func (s *server) createPortalLink(ctx context.Context, r *request) (response, error) {
	ws, err := s.existingWorkspace(ctx, r)
	if err != nil {
		return response{}, err
	}
	var in portalLinkInput
	if err := decode(r.body, &in); err != nil {
		return response{}, err
	}
	expiry, now := defaultPortalExpiry, s.cfg.Now()
	if in.ExpiresIn != nil {
		expiry = *in.ExpiresIn
	}
	l := webhook.PortalLink{
		ID: webhook.NewID(now), WorkspaceID: ws, Manage: in.Abilities == nil || slices.Contains(in.Abilities, webhook.AbilityManage),
		ExpiresAt: now.Add(time.Duration(expiry) * time.Second).UTC().Truncate(time.Millisecond),
	}
	token := webhook.NewToken()
	if err := s.PortalLinks.Create(ctx, l, webhook.HashToken(token), now); err != nil {
		return response{}, err
	}
	out := portalLinkWire{
		ID: l.ID.Format(webhook.PortalLinkPrefix), WorkspaceID: ws, URL: s.cfg.BaseURL(r.http) + PortalPath + token,
		Abilities: l.Abilities(), ExpiresAt: l.ExpiresAt,
	}
	return response{http.StatusCreated, out, "/v1/workspaces/" + string(ws) + "/portal-links/" + out.ID}, nil
}
