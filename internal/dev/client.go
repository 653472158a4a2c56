package dev

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"time"
)

// apiClient calls the API that this process serves.
type apiClient struct {
	base, key, workspace string
}

// statusError is an answer outside of 2xx.
type statusError struct {
	status int
	body   string
}

func (e *statusError) Error() string { return fmt.Sprintf("%d: %s", e.status, e.body) }

func isStatus(err error, status int) bool {
	var e *statusError
	return errors.As(err, &e) && e.status == status
}

// patience is how often an answer of 429 is waited for: api.rate_limit is dev's
// own calls' limit too.
const patience = 10

// callTimeout bounds a call to this very process.
const callTimeout = 30 * time.Second

// do sends in as JSON, or nothing for nil, and reads the answer into out.
func (c apiClient) do(ctx context.Context, method, path string, in, out any) error {
	err := c.try(ctx, method, path, in, out)
	for n := 0; n < patience && isStatus(err, http.StatusTooManyRequests); n++ {
		select {
		case <-time.After(time.Second):
		case <-ctx.Done():
			return ctx.Err()
		}
		err = c.try(ctx, method, path, in, out)
	}
	return err
}

func (c apiClient) try(ctx context.Context, method, path string, in, out any) error {
	var body io.Reader
	if in != nil {
		b, err := json.Marshal(in)
		if err != nil {
			return err
		}
		body = bytes.NewReader(b)
	}
	req, err := http.NewRequestWithContext(ctx, method, c.base+path, body)
	if err != nil {
		return err
	}
	req.Header.Set("Authorization", "Bearer "+c.key)
	if in != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	if c.workspace != "" {
		req.Header.Set("X-Workspace-ID", c.workspace)
	}
	res, err := (&http.Client{Timeout: callTimeout}).Do(req)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	b, err := io.ReadAll(io.LimitReader(res.Body, 1<<20))
	if err != nil {
		return err
	}
	if res.StatusCode/100 != 2 {
		return &statusError{res.StatusCode, string(b)}
	}
	if out == nil {
		return nil
	}
	return json.Unmarshal(b, out)
}
