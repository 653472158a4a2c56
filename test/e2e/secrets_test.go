package e2e

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"testing"

	"github.com/redis/go-redis/v9"

	"github.com/postrider/postrider/test/e2e/stack"
)

// What must never be seen once it was taken in. Each is unlike anything else.
const (
	givenSecret = "whsec_R0lWRU4tU0VDUkVULUdJVkVOLVNFQ1JFVC1HSVZFTg=="
	weakSecret  = "whsec_V0VBSy1TRUNSRVQ="
	headerValue = "the-value-of-a-custom-header"
	urlToken    = "a-token-in-the-query-of-a-url"
	wrongKey    = "pr_a-key-that-nobody-has"
	inPayload   = "a-name-in-the-payload"
)

// TestSecrets makes a bit of everything happen, good and bad, and then looks for
// each secret in all that anybody gets to see.
func TestSecrets(t *testing.T) {
	t.Parallel()
	s := service{Stack: stack.New(t), r: stack.NewReceiver(t)}
	s.Env = append(s.Env, "POSTRIDER_LOG_LEVEL=debug")
	s.api = s.API(t)
	worker := s.Worker(t)
	processes := []*stack.Process{s.api, worker, s.Scheduler(t)}
	s.c = s.Workspace(t, s.api)

	var answers strings.Builder
	see := func(a stack.Answer, status int) {
		t.Helper()
		if a.Status != status {
			t.Errorf("got %s, want %d", a, status)
		}
		answers.Write(a.Body)
		for name, values := range a.Header {
			answers.WriteString(name + ": " + strings.Join(values, ",") + "\n")
		}
	}
	policy := stack.Settings{
		"secret": givenSecret, "headers": map[string]string{"X-Token": headerValue}, "retry_schedule": []int{1, 3600}, "timeout": 1,
	}
	s.r.Knows("/", givenSecret)
	s.r.Script("/", stack.Times(10, stack.Status(http.StatusInternalServerError))...)
	e := s.c.Endpoint(t, s.r, "/", policy)
	// Nobody listens there, so the error of the connection is told, too.
	policy["url"], policy["events"] = "http://"+stack.FreeAddr(t)+"/?token="+urlToken, []string{"*"}
	var away struct{ ID string }
	s.c.Call(t, http.MethodPost, "/v1/endpoints", policy, http.StatusCreated, &away)

	see(s.c.Do(t, http.MethodPost, "/v1/endpoints", stack.Settings{"url": "https://example.com/", "events": []string{"*"}, "secret": weakSecret}), 422)
	see(s.c.Do(t, http.MethodPost, "/v1/endpoints", stack.Settings{
		"url": "https://example.com/", "events": []string{"*"}, "headers": map[string]string{"X-Token": headerValue + "\x00"},
	}), 422)
	see(s.Client(s.api, wrongKey).Do(t, http.MethodGet, "/v1/events", nil), 401)
	see(s.c.Do(t, http.MethodPatch, "/v1/endpoints/"+e.ID, stack.Settings{"description": "changed"}), 200)
	see(s.c.Do(t, http.MethodPost, "/v1/endpoints/"+e.ID+"/test", nil), 200)
	see(s.c.Do(t, http.MethodPost, "/v1/endpoints/"+away.ID+"/test", nil), 200)
	see(s.c.Do(t, http.MethodPost, "/v1/events", map[string]any{"type": "post.created", "data": map[string]any{"name": inPayload}}), 202)

	stack.Eventually(t, "both have failed twice", func() bool {
		n := 0
		for _, d := range s.c.WithStatus(t, "pending") {
			if len(s.c.Attempts(t, d.ID)) >= 2 {
				n++
			}
		}
		return n == 2
	})
	for _, d := range s.c.WithStatus(t, "pending") {
		see(s.c.Do(t, http.MethodGet, "/v1/deliveries/"+d.ID, nil), 200)
		see(s.c.Do(t, http.MethodGet, "/v1/deliveries/"+d.ID+"/attempts", nil), 200)
		see(s.c.Do(t, http.MethodPost, "/v1/deliveries/"+d.ID+"/cancel", nil), 202)
	}
	see(s.c.Do(t, http.MethodGet, "/v1/endpoints/"+e.ID, nil), 200)

	var private strings.Builder // logs and metrics
	for _, p := range processes {
		private.WriteString(p.Said(t))
		private.WriteString(s.Metrics(t, p))
	}
	secrets := []string{stack.AdminKey, stack.SecretsKey(), givenSecret, weakSecret, headerValue, wrongKey}
	notSeen(t, "an answer", answers.String(), e.ID, secrets...)
	notSeen(t, "a log or metric", private.String(), e.ID, append(secrets, urlToken, inPayload)...)
	worker.Terminate(t)
	s.c.PublishBatch(t, "post.created", 50) // nobody takes them out of Redis
	notSeen(t, "Redis", allOf(t, s.Redis.Addr()), "asynq:", append(secrets, urlToken)...)
}

// notSeen looks for secrets in all there is of something, which must hold what
// is no secret: else nothing was looked at.
func notSeen(t *testing.T, where, all, known string, secrets ...string) {
	t.Helper()
	if !strings.Contains(all, known) {
		t.Errorf("%s: not even %s is in it", where, known)
	}
	for _, secret := range secrets {
		// Also in part: what is cut off in the middle is half given away.
		if at := strings.Index(all, secret[:len(secret)/2+4]); at >= 0 {
			t.Errorf("%s shows %s: …%s…", where, secret, all[max(at-150, 0):min(at+150, len(all))])
		}
	}
}

// allOf is the whole content of a Redis, as it dumps its values.
func allOf(t *testing.T, addr string) string {
	t.Helper()
	ctx := context.Background()
	client := redis.NewClient(&redis.Options{Addr: addr})
	defer client.Close()
	keys, err := client.Keys(ctx, "*").Result()
	if err != nil {
		t.Fatal(err)
	}
	var all strings.Builder
	for _, key := range keys {
		dump, err := client.Dump(ctx, key).Result()
		if err != nil && !errors.Is(err, redis.Nil) { // gone meanwhile
			t.Fatal(err)
		}
		all.WriteString(key + dump)
	}
	return all.String()
}
