package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"
)

// remote is a deployment's HTTP API, as flags and environment name it.
type remote struct {
	url, key, workspace string
}

// addRemote adds the flags that say which deployment, and as whom.
func addRemote(cmd *cobra.Command) *remote {
	r := &remote{}
	cmd.Flags().StringVar(&r.url, "url", or(os.Getenv("POSTRIDER_URL"), "http://localhost:8080"), "the API's `address` (or POSTRIDER_URL)")
	cmd.Flags().StringVar(&r.key, "key", "", "API `key` (or POSTRIDER_KEY, which the process list does not show)")
	cmd.Flags().StringVar(&r.workspace, "workspace", "", "workspace `id`, needed with the admin key")
	return r
}

func or(s, otherwise string) string {
	if s == "" {
		return otherwise
	}
	return s
}

const callTimeout = 30 * time.Second

// call sends in as JSON and returns the answer's body, or the problem it names.
func (r *remote) call(ctx context.Context, method, path string, in any) ([]byte, error) {
	key := or(r.key, or(os.Getenv("POSTRIDER_KEY"), os.Getenv("POSTRIDER_API_ADMIN_KEY")))
	if key == "" {
		return nil, errors.New("no API key: set POSTRIDER_KEY (or POSTRIDER_API_ADMIN_KEY) or --key")
	}
	body, err := json.Marshal(in)
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, method, strings.TrimRight(r.url, "/")+path, bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	req.Header.Set("Authorization", "Bearer "+key)
	req.Header.Set("Content-Type", "application/json")
	if r.workspace != "" {
		req.Header.Set("X-Workspace-ID", r.workspace)
	}
	res, err := (&http.Client{}).Do(req) // callTimeout bounds the context
	if err != nil {
		return nil, err
	}
	defer res.Body.Close()
	answer, err := io.ReadAll(io.LimitReader(res.Body, 16<<20))
	if err != nil {
		return nil, err
	}
	if res.StatusCode/100 != 2 {
		return nil, problem(res.Status, answer)
	}
	return answer, nil
}

// problem puts an RFC 9457 answer into one line a person can act on.
func problem(status string, body []byte) error {
	var p struct {
		Detail string `json:"detail"`
		Errors []struct{ Pointer, Detail string }
	}
	if json.Unmarshal(body, &p) != nil || p.Detail == "" {
		return fmt.Errorf("the API answered %s", status)
	}
	msg := fmt.Sprintf("the API answered %s: %s", status, p.Detail)
	for _, e := range p.Errors {
		msg += fmt.Sprintf("; %s: %s", e.Pointer, e.Detail)
	}
	return errors.New(msg)
}
