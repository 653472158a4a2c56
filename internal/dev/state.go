package dev

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/postrider/postrider/client"
)

// state is what dev keeps beside its Postgres, so that keys and undelivered
// events are the same after a restart.
type state struct {
	SecretsKey   []byte `json:"secrets_key"`
	WorkspaceKey string `json:"workspace_key,omitempty"`
	EndpointID   string `json:"endpoint_id,omitempty"`

	path string
}

// workspace is the id of dev's ready workspace.
const workspace = "dev"

func loadState(dataDir string) (*state, error) {
	s := &state{path: filepath.Join(dataDir, "dev.json")}
	b, err := os.ReadFile(s.path)
	if errors.Is(err, os.ErrNotExist) {
		s.SecretsKey = make([]byte, 32)
		rand.Read(s.SecretsKey)
		return s, s.save()
	}
	if err != nil {
		return nil, fmt.Errorf("read dev's state: %w", err)
	}
	if err := json.Unmarshal(b, s); err != nil || len(s.SecretsKey) != 32 {
		return nil, fmt.Errorf("%s is damaged; endpoint secrets can't be read without it. Move %s away to start anew", s.path, dataDir)
	}
	return s, nil
}

// save replaces the file at once: half a file would lock the secrets away.
func (s *state) save() error {
	b, err := json.MarshalIndent(s, "", "  ")
	if err != nil {
		return err
	}
	if err := os.WriteFile(s.path+".new", b, 0o600); err != nil {
		return fmt.Errorf("write dev's state: %w", err)
	}
	return os.Rename(s.path+".new", s.path)
}

// prepare makes the workspace, its key and the receiver's endpoint, or finds
// them as an earlier run left them. It uses the API like anybody else.
func (s *state) prepare(ctx context.Context, base, adminKey string, r *receiver) error {
	admin := newClient(base, adminKey)
	_, err := admin.Workspaces.Create(ctx, client.WorkspaceInput{ID: workspace, Name: "Development"})
	if err != nil && client.CodeOf(err) != client.CodeConflict {
		return fmt.Errorf("make the workspace: %w", err)
	}
	if err := s.prepareKey(ctx, base, admin); err != nil {
		return fmt.Errorf("make a key: %w", err)
	}
	err = s.prepareEndpoint(ctx, admin, r)
	if client.CodeOf(err) == client.CodeInvalid {
		// The configuration refuses it, with egress.https_only for one: everything
		// else is of use without it.
		r.refused = err
		err = nil
	}
	if err != nil {
		return fmt.Errorf("make the receiver's endpoint: %w", err)
	}
	return s.save()
}

func (s *state) prepareKey(ctx context.Context, base string, admin *client.Client) error {
	if s.WorkspaceKey != "" {
		if _, err := newClient(base, s.WorkspaceKey).Endpoints.List(ctx, client.ListOptions{Limit: 1}); err == nil {
			return nil
		}
	}
	made, err := admin.Keys.Create(ctx, workspace, client.KeyInput{Name: "dev"})
	s.WorkspaceKey = made.Key
	return err
}

// prepareEndpoint points the endpoint at the receiver, whose port is new each time.
func (s *state) prepareEndpoint(ctx context.Context, admin *client.Client, r *receiver) error {
	var made client.Endpoint
	var err error
	url := r.url()
	if s.EndpointID != "" {
		made, err = admin.Endpoints.Update(ctx, s.EndpointID, client.EndpointPatch{URL: &url})
	}
	if s.EndpointID == "" || client.CodeOf(err) == client.CodeNotFound {
		made, err = admin.Endpoints.Create(ctx, client.EndpointInput{
			URL: url, Events: []string{"*"}, Description: "dev's built-in receiver",
		})
	}
	if err != nil {
		return err
	}
	s.EndpointID = made.ID
	e, err := newEndpoint(ctx, admin, made.ID)
	r.endpoint.Store(e)
	return err
}
