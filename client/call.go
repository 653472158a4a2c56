package client

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"
	"unicode"
)

// call is one operation of the API with its arguments.
type call struct {
	op     string // its id in the API's description
	method string
	path   string // with {} for each of ids
	ids    []string
	query  url.Values
	body   any
	patch  bool
	// extra is what the operation may take beside the configured timeout.
	extra time.Duration
	// plain operations act in no workspace.
	plain bool
	// status is told the answer's, where somebody asks.
	status *int
}

// do makes a call and reads its answer.
func do[T any](ctx context.Context, c *Client, k *call) (T, error) {
	var out T
	raw, err := c.send(ctx, k)
	if err != nil {
		return out, err
	}
	if err = json.Unmarshal(raw, &out); err != nil {
		err = fmt.Errorf("client: %s: the answer can't be read: %w", k.op, err)
	}
	return out, err
}

// remove makes a call whose answer is empty.
func remove(ctx context.Context, c *Client, k *call) error {
	_, err := c.send(ctx, k)
	return err
}

// send makes a call until it is answered, or must not or can't be made again.
func (c *Client) send(ctx context.Context, k *call) ([]byte, error) {
	if c.broken != nil {
		return nil, c.broken
	}
	p, err := c.prepare(ctx, k)
	if err != nil {
		return nil, err
	}
	unclear := false // whether an earlier try may have taken effect
	for try := 0; ; try++ {
		raw, err := c.try(ctx, p)
		if unclear && isGone(k, err) {
			return nil, nil
		}
		if err == nil {
			return raw, nil
		}
		unclear = unclear || mayHaveTakenEffect(err)
		wait, again := c.pause(ctx, err, try)
		if !again {
			return nil, err
		}
		if late := sleep(ctx, wait); late != nil {
			return nil, fmt.Errorf("client: %s: %w, after %w", k.op, late, err)
		}
	}
}

// isGone says that what was to be deleted is not there.
func isGone(k *call, err error) bool {
	return k.method == http.MethodDelete && CodeOf(err) == CodeNotFound
}

// prepared is a call as it goes out, the same in every try.
type prepared struct {
	op, method, url string
	header          http.Header
	body            []byte
	timeout         time.Duration
	status          *int // of the answer, where somebody asks
}

func (c *Client) prepare(ctx context.Context, k *call) (*prepared, error) {
	path, err := fill(k)
	if err != nil {
		return nil, err
	}
	p := &prepared{op: k.op, method: k.method, url: c.base + path, timeout: c.cfg.Timeout + k.extra, status: k.status}
	if len(k.query) > 0 {
		p.url += "?" + k.query.Encode()
	}
	if p.header, err = c.header(ctx, k); err != nil || k.body == nil {
		return p, err
	}
	if p.body, err = encode(k.body); err != nil {
		return nil, fmt.Errorf("client: %s: %w", k.op, err)
	}
	return p, nil
}

func (c *Client) header(ctx context.Context, k *call) (http.Header, error) {
	h := http.Header{}
	h.Set("Authorization", "Bearer "+c.key)
	h.Set("User-Agent", c.cfg.UserAgent)
	h.Set("Accept", "application/json")
	if c.cfg.Workspace != "" && !k.plain {
		h.Set("X-Workspace-ID", c.cfg.Workspace)
	}
	if k.method == http.MethodPost {
		h.Set("Idempotency-Key", idempotencyKey(ctx))
	}
	switch {
	case k.patch:
		h.Set("Content-Type", "application/merge-patch+json")
	case k.body != nil:
		h.Set("Content-Type", "application/json")
	}
	for name, values := range h {
		// The value may be a key, so it is not shown.
		if strings.ContainsFunc(values[0], unicode.IsControl) {
			return nil, fmt.Errorf("client: %s: what is to be sent as %s has a line break, or another character that no header may have", k.op, name)
		}
	}
	return h, nil
}

func idempotencyKey(ctx context.Context) string {
	if key, ok := ctx.Value(keyOfContext{}).(string); ok && key != "" {
		return key
	}
	return rand.Text()
}

// fill puts the ids into the path.
func fill(k *call) (string, error) {
	path := k.path
	for _, id := range k.ids {
		// The dots would make another path; the rest is for the API to know.
		if id == "" || id == "." || id == ".." {
			return "", fmt.Errorf("client: %s: %q is no id", k.op, id)
		}
		path = strings.Replace(path, "{}", url.PathEscape(id), 1)
	}
	return path, nil
}

// encode leaves <, > and & as they are: receivers get a payload's very bytes.
func encode(v any) ([]byte, error) {
	var out bytes.Buffer
	e := json.NewEncoder(&out)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		return nil, err
	}
	return bytes.TrimRight(out.Bytes(), "\n"), nil
}

var errTooLarge = errors.New("the answer is too large")
