package api

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"net/http"
	"net/url"
	"time"

	"github.com/postrider/postrider/internal/webhook"
)

const (
	keyHeader      = "Idempotency-Key"
	replayedHeader = "Idempotency-Replayed"
	maxKeyBytes    = 255
	// claimGrace is how much longer than its request a claim lasts.
	claimGrace = 5 * time.Second
	// keyPatience is how long a request waits for another one under the same key. It
	// looks after keyPoll, and then after twice as long each time.
	keyPatience = 5 * time.Second
	keyPoll     = 10 * time.Millisecond
	keyPollMost = 500 * time.Millisecond
	keepTimeout = 5 * time.Second
)

// kept is the whole of an answer, as it is written and may be stored.
type kept struct {
	Status   int    `json:"status"`
	Type     string `json:"type,omitempty"`
	Location string `json:"location,omitempty"`
	Body     []byte `json:"body,omitempty"`
	replayed bool
}

// lasting: what a request repeated later would be answered, too.
func (k *kept) lasting() bool { return k.Status != http.StatusTooManyRequests && k.Status < 500 }

func (k *kept) write(w http.ResponseWriter) {
	h := w.Header()
	if k.Location != "" {
		h.Set("Location", k.Location)
	}
	if k.replayed {
		h.Set(replayedHeader, "true")
	}
	if k.Body == nil {
		h.Set("Cache-Control", "no-store")
		w.WriteHeader(k.Status)
		return
	}
	writeBody(w, k.Status, k.Type, k.Body)
}

// once handles a POST with an Idempotency-Key: the first one takes effect, and the
// same request again gets the same answer. What it changes and its answer are one
// commit; what can't be, of a grouped route, is found by the token instead.
func (s *server) once(ctx context.Context, rt *route, w http.ResponseWriter, r *request) (response, error) {
	key, err := r.idempotencyKey()
	if err != nil {
		return response{}, err
	}
	digest, bad := digestOf(r), r.checkBody()
	if webhook.CodeOf(bad) == webhook.CodeUnsupported { // a request that says another type is another, but has this digest
		return response{}, bad
	}
	if rt.together != nil && bad == nil {
		if k, err := rt.together(ctx, r, webhook.Once{Key: key, Digest: digest}); k != nil || err != nil {
			return response{body: k}, err
		}
	}
	claim, err := s.claim(ctx, rt, key, digest)
	if err != nil {
		return response{}, err
	}
	if !claim.Mine {
		var k kept
		if err := json.Unmarshal(claim.Answer, &k); err != nil {
			return response{}, err
		}
		k.replayed = true
		return response{body: &k}, nil
	}
	done := false
	defer func() {
		if !done { // no lasting answer, or a panic
			_ = s.after(ctx, "release", func(ctx context.Context) error { return s.Idempotency.Release(ctx, key, &claim) })
		}
	}()
	r.token = claim.Token
	if !rt.grouped {
		ctx = s.Idempotency.Together(ctx)
	}
	var resp response
	if err = bad; err == nil {
		resp, err = rt.handle(ctx, r)
	}
	k := answerOf(&resp)
	if err != nil {
		k = problemOf(coded(err), w.Header().Get(requestIDHeader))
	}
	if !k.lasting() {
		return resp, err
	}
	undone := false
	failed := s.after(ctx, "keep", func(ctx context.Context) (err error) {
		undone, err = s.Idempotency.Keep(ctx, key, &claim, encodeJSON(k))
		return err
	})
	if undone {
		return response{}, failed
	}
	done = true
	return response{body: k}, nil
}

// after does what must be tried also when the caller is gone. What fails is
// mended by time: the claim runs out.
func (s *server) after(ctx context.Context, what string, do func(context.Context) error) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), keepTimeout)
	defer cancel()
	err := do(ctx)
	if err != nil {
		s.cfg.Logger.WarnContext(ctx, "an idempotency key was left as it is", "step", what, "error", err)
	}
	return err
}

// claim waits for the answer of a request that is under way. It reads, and writes
// again only when the key is free.
func (s *server) claim(ctx context.Context, rt *route, key webhook.IdempotencyKey, digest []byte) (webhook.Claim, error) {
	began := s.cfg.Now()
	patience, lasts := min(keyPatience, s.timeoutOf(rt)/2), s.timeoutOf(rt)+rt.waits
	c, err := s.Idempotency.Claim(ctx, key, digest, began, lasts+claimGrace)
	for pause := keyPoll; ; pause = min(2*pause, keyPollMost) {
		switch {
		case err != nil:
			return c, err
		case !c.Same:
			return c, webhook.Errorf(webhook.CodeIdempotencyMismatch, "the key was used with another request in the last 24 hours")
		case c.Mine || c.Answer != nil:
			return c, nil
		case s.cfg.Now().Sub(began) >= patience:
			return c, webhook.Errorf(webhook.CodeIdempotencyInFlight, "the first request with this key is still under way; ask again in a moment")
		}
		select {
		case <-time.After(pause):
		case <-ctx.Done():
			return c, ctx.Err()
		}
		if c, err = s.Idempotency.Find(ctx, key, digest); err == nil && c.Due {
			c, err = s.Idempotency.Claim(ctx, key, digest, s.cfg.Now(), lasts+claimGrace)
		}
	}
}

// digestOf tells requests under one key apart.
func digestOf(r *request) []byte {
	h := sha256.New()
	h.Write([]byte(r.http.URL.RawQuery))
	h.Write([]byte{0})
	h.Write(r.body)
	return h.Sum(nil)
}

func (r *request) idempotencyKey() (webhook.IdempotencyKey, error) {
	values := r.http.Header.Values(keyHeader)
	key := webhook.IdempotencyKey{WorkspaceID: r.workspace, Route: r.http.Method + " " + pathOf(r.http.URL), Key: values[0]}
	if len(values) > 1 || !printable(key.Key) {
		return key, invalidField(keyHeader, "must be one of 1 to %d printable ASCII characters", maxKeyBytes)
	}
	return key, nil
}

// maxKeptPath is the longest path that is stored as it is.
const maxKeptPath = 256

// pathOf is a request's path in ASCII, and of bounded length, so that any can be
// stored.
func pathOf(u *url.URL) string {
	path := u.EscapedPath()
	if len(path) > maxKeptPath {
		sum := sha256.Sum256([]byte(path))
		return "sha256:" + hex.EncodeToString(sum[:])
	}
	return path
}

func printable(key string) bool {
	for i := range len(key) {
		if key[i] < ' ' || key[i] > '~' {
			return false
		}
	}
	return key != "" && len(key) <= maxKeyBytes
}

// answerOf is what a handler's response looks like to its caller.
func answerOf(resp *response) *kept {
	if resp.body == nil {
		return &kept{Status: resp.status, Location: resp.location}
	}
	return &kept{Status: resp.status, Type: typeJSON, Location: resp.location, Body: encodeJSON(resp.body)}
}
