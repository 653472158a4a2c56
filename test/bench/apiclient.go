package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
)

// apiClient calls the API as a user does.
type apiClient struct{ url, key string }

// do sends in as JSON, or nothing for nil, and reads the answer into out unless
// that is nil.
func (c apiClient) do(ctx context.Context, method, path string, in, out any) error {
	var body io.Reader
	if in != nil {
		b, err := json.Marshal(in)
		if err != nil {
			return err
		}
		body = bytes.NewReader(b)
	}
	req, err := http.NewRequestWithContext(ctx, method, c.url+path, body)
	if err != nil {
		return err
	}
	req.Header.Set("Authorization", "Bearer "+c.key)
	if in != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	res, err := (&http.Client{Timeout: patience}).Do(req)
	if err != nil {
		return err
	}
	said, err := io.ReadAll(io.LimitReader(res.Body, 16<<20))
	if err := errors.Join(err, res.Body.Close()); err != nil {
		return err
	}
	if res.StatusCode/100 != 2 {
		return fmt.Errorf("%s %s: the answer was %s: %s", method, path, res.Status, said)
	}
	if out == nil {
		return nil
	}
	return json.Unmarshal(said, out)
}

const workspace = "bench"

// populate makes the workspace with an endpoint for each subscription, and
// returns a key of the workspace.
func populate(ctx context.Context, apiURL, adminKey, receiverURL string) (string, error) {
	user, err := apiClient{apiURL, adminKey}.newTenant(ctx, map[string]any{"id": workspace, "name": "Bench"})
	if err != nil {
		return "", err
	}
	for _, k := range []kind{singleKind, wideKind} {
		for i := range endpoints {
			endpoint := map[string]any{"url": receiverURL + k.path(i), "events": []string{k.subscription(i)}}
			if err := user.do(ctx, http.MethodPost, "/v1/endpoints", endpoint, &struct{}{}); err != nil {
				return "", err
			}
		}
	}
	return user.key, nil
}

// newTenant makes a workspace as the admin, and returns a client with a key of it.
func (c apiClient) newTenant(ctx context.Context, workspace map[string]any) (apiClient, error) {
	var ws struct{ ID string }
	if err := c.do(ctx, http.MethodPost, "/v1/workspaces", workspace, &ws); err != nil {
		return apiClient{}, err
	}
	var made struct{ Key string }
	if err := c.do(ctx, http.MethodPost, "/v1/workspaces/"+ws.ID+"/keys", map[string]any{"name": "bench"}, &made); err != nil {
		return apiClient{}, err
	}
	return apiClient{c.url, made.Key}, nil
}

// delivery is what the API shows of one, as far as it is looked at here.
type delivery struct {
	ID       string
	Status   string
	Attempts int
}

// deliveries lists the newest of a status.
func (c apiClient) deliveries(ctx context.Context, status string, limit int) ([]delivery, error) {
	var page struct{ Data []delivery }
	err := c.do(ctx, http.MethodGet, fmt.Sprintf("/v1/deliveries?status=%s&limit=%d", status, limit), nil, &page)
	return page.Data, err
}
