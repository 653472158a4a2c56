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
	givenSecret   = "whsec_R0lWRU4tU0VDUkVULUdJVkVOLVNFQ1JFVC1HSVZFTg=="
	newerSecret   = "whsec_TkVXRVItU0VDUkVULU5FV0VSLVNFQ1JFVC1ORVdFUg=="
	weakSecret    = "whsec_V0VBSy1TRUNSRVQ="
	headerValue   = "the-value-of-a-custom-header"
	credentials   = "Q3VzdG9tLUNyZWRlbnRpYWxzLU9mLUFuLUVuZHBvaW50"
	urlToken      = "a-token-in-the-query-of-a-url"
	urlPassword   = "a-password-in-front-of-a-host"
	proxyPassword = "the-password-of-the-proxy"
	wrongKey      = "pr_a-key-that-nobody-has"
	inPayload     = "a-name-in-the-payload"
)

// TestSecrets makes a bit of everything happen, good and bad, and then looks for
// each secret in all that anybody gets to see.
func TestSecrets(t *testing.T) {
	t.Parallel()
	v := newVault(t)
	e := v.endpoints(t)
	v.mistakes(t, e)
	v.see(t, v.c.Do(t, http.MethodPatch, "/v1/endpoints/"+e, stack.Settings{"description": "changed"}), 200)
	v.see(t, v.c.Do(t, http.MethodPost, "/v1/events", map[string]any{"type": "post.created", "data": map[string]any{"name": inPayload}}), 202)
	const endpoints = 7
	stack.Eventually(t, "all have failed twice", func() bool {
		n := 0
		for _, d := range v.c.WithStatus(t, "pending") {
			if len(v.c.Attempts(t, d.ID)) >= 2 {
				n++
			}
		}
		return n == endpoints
	})
	v.useAll(t, e)
	v.r.Knows("/", newerSecret)
	v.c.Call(t, http.MethodPost, "/v1/endpoints/"+e+"/secret/rotate", map[string]any{"secret": newerSecret}, http.StatusOK, nil)

	// What is no secret of a request stays, where it is sent back, as it was sent.
	for _, harmless := range []string{"a harmless note", `"X-Harmless":"yes"`, `"X-Signed":"sha256=`, `\"X-Token\":[\"***\"]`, "bad token ***", "401 Unauthorized"} {
		if !strings.Contains(v.answers.String(), harmless) {
			t.Errorf("no answer shows %s", harmless)
		}
	}
	v.look(t, e)
}

// useAll looks at every endpoint and delivery, and does with it what can be done.
func (v *vault) useAll(t *testing.T, e string) {
	t.Helper()
	var list struct{ Data []struct{ ID string } }
	v.c.Call(t, http.MethodGet, "/v1/endpoints", nil, http.StatusOK, &list)
	for _, each := range list.Data {
		v.see(t, v.c.Do(t, http.MethodPost, "/v1/endpoints/"+each.ID+"/test", nil), 200)
		if each.ID != e { // its receiver takes no forged requests
			v.see(t, v.c.Do(t, http.MethodPost, "/v1/endpoints/"+each.ID+"/diagnose", nil), 200)
		}
		v.see(t, v.c.Do(t, http.MethodGet, "/v1/endpoints/"+each.ID, nil), 200)
	}
	v.see(t, v.c.Do(t, http.MethodGet, "/v1/endpoints", nil), 200)
	for _, d := range v.c.WithStatus(t, "pending") {
		v.see(t, v.c.Do(t, http.MethodGet, "/v1/deliveries/"+d.ID, nil), 200)
		v.see(t, v.c.Do(t, http.MethodGet, "/v1/deliveries/"+d.ID+"/attempts", nil), 200)
		v.see(t, v.c.Do(t, http.MethodPost, "/v1/deliveries/"+d.ID+"/cancel", nil), 202)
	}
}

// look looks for secrets everywhere.
func (v *vault) look(t *testing.T, e string) {
	t.Helper()
	var private strings.Builder // logs and metrics
	for _, p := range v.processes {
		private.WriteString(p.Said(t))
		private.WriteString(v.Metrics(t, p))
	}
	if !strings.Contains(private.String(), "CONNECT answered 407") {
		t.Error("no log says what the proxy did")
	}
	if strings.Contains(v.answers.String(), v.proxy) {
		t.Error("an answer says where the proxy is")
	}
	secrets := []string{
		stack.AdminKey, stack.SecretsKey(), v.key, givenSecret, newerSecret, weakSecret, headerValue, credentials,
		urlPassword, proxyPassword, wrongKey,
	}
	notSeen(t, "an answer", v.answers.String(), e, secrets...)
	notSeen(t, "a log or metric", private.String(), e, append(secrets, urlToken, inPayload)...)
	notSeen(t, "Postgres", stack.Dump(t, v.postgres), "post.created", secrets...)
	v.worker.Terminate(t)
	v.c.PublishBatch(t, "post.created", 50) // nobody takes them out of Redis
	notSeen(t, "Redis", allOf(t, v.Redis.Addr()), "asynq:", append(secrets, urlToken)...)
}

// notSeen looks for secrets in all there is of something, which must hold what
// is no secret: else nothing was looked at.
func notSeen(t *testing.T, where, all, known string, secrets ...string) {
	t.Helper()
	if !strings.Contains(all, known) {
		t.Errorf("%s: not even %s is in it", where, known)
	}
	for _, secret := range secrets {
		if how, at := shown(all, secret); how != "" {
			t.Errorf("%s shows %s (%s): …%q…", where, secret, how, all[max(at-150, 0):min(at+150, len(all))])
		}
	}
}

// allOf is the whole content of a Redis, as it dumps its values.
func allOf(t *testing.T, addr string) string {
	t.Helper()
	ctx := context.Background()
	client := redis.NewClient(&redis.Options{Addr: addr})
	defer client.Close()
	// A compressed value would hide what is in it.
	if err := client.ConfigSet(ctx, "rdbcompression", "no").Err(); err != nil {
		t.Fatal(err)
	}
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
