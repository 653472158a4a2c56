package main

import (
	"context"

	"github.com/postrider/postrider/client"
)

// user calls the API with a key of a workspace.
type user struct {
	*client.Client
	key string
}

const workspace = "bench"

// populate makes the workspace with an endpoint for each subscription.
func (s *stack) populate(ctx context.Context, receiverURL string, kinds []kind) (user, error) {
	u, err := s.newUser(ctx, client.WorkspaceInput{ID: workspace, Name: "Bench"})
	if err != nil {
		return user{}, err
	}
	for _, k := range kinds {
		if k.fanout == 0 || k.bare || k.keyed {
			continue
		}
		for i := range k.endpoints() {
			in := client.EndpointInput{URL: receiverURL + k.path(i), Events: []string{k.subscription(i)}}
			if k.status != 0 {
				in.RetrySchedule = []int{1800} // within the hour that waits in Redis
			}
			if _, err := u.Endpoints.Create(ctx, in); err != nil {
				return user{}, err
			}
		}
	}
	return u, nil
}

// newUser makes a workspace as the admin, with a key.
func (s *stack) newUser(ctx context.Context, in client.WorkspaceInput) (user, error) {
	admin := client.New(s.apiURL, s.adminKey)
	ws, err := admin.Workspaces.Create(ctx, in)
	if err != nil {
		return user{}, err
	}
	key, err := admin.Keys.Create(ctx, string(ws.ID), client.KeyInput{Name: "bench"})
	return user{client.New(s.apiURL, key.Key), key.Key}, err
}

// newest lists the newest deliveries of a status.
func (u user) newest(ctx context.Context, status client.DeliveryStatus, limit int) ([]client.Delivery, error) {
	page, err := u.Deliveries.List(ctx, client.DeliveryFilter{Status: status, Limit: limit})
	return page.Data, err
}
