package e2e

import (
	"bytes"
	"encoding/base64"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/postrider/postrider/internal/pgtest"
	"github.com/postrider/postrider/test/e2e/stack"
)

// waitCheck waits until a process's readiness has this code and its check this
// status.
func (s service) waitCheck(t *testing.T, p *stack.Process, check, status string, code int) {
	t.Helper()
	var last stack.Readiness
	defer func() {
		if t.Failed() {
			t.Logf("the %s said %s", p.Name, last)
		}
	}()
	stack.Eventually(t, p.Name+"'s "+check+" is "+status, func() bool {
		last = s.Readiness(t, p)
		return last.Code == code && last.Checks[check].Status == status
	})
}

func TestReadiness(t *testing.T) {
	t.Parallel()

	t.Run("WithoutRedisIsTheWorkersProblemAlone", func(t *testing.T) {
		t.Parallel()
		s := setup(t)
		worker, scheduler := s.Worker(t), s.Scheduler(t)
		s.Redis.Stop()
		s.waitCheck(t, worker, "redis", "failed", http.StatusServiceUnavailable)
		s.waitCheck(t, s.api, "redis", "degraded", http.StatusOK)
		s.waitCheck(t, scheduler, "redis", "degraded", http.StatusOK)
		if err := s.Redis.Start(); err != nil {
			t.Fatal(err)
		}
		for _, p := range []*stack.Process{s.api, worker, scheduler} {
			s.waitCheck(t, p, "redis", "ok", http.StatusOK)
		}
	})

	t.Run("WithoutAnEndpointsKeyIsDegradedUntilThereIsOne", func(t *testing.T) {
		t.Parallel()
		s := setup(t)
		newer := "POSTRIDER_SECRETS_KEY=" + base64.StdEncoding.EncodeToString(bytes.Repeat([]byte{9}, 32))
		worker := s.Worker(t, newer) // which the endpoint's is not in
		s.waitCheck(t, worker, "secrets", "ok", http.StatusOK)
		s.c.Endpoint(t, s.r, "/", nil)
		s.c.Publish(t, "post.created")
		s.waitCheck(t, worker, "secrets", "degraded", http.StatusOK)
		if r := s.Readiness(t, worker); r.Status != "ready" || !strings.Contains(r.Checks["secrets"].Error, "secrets.key") {
			t.Errorf("the worker says %s", r)
		}
		complete(t, s.Dir, append(slices.Clone(s.Env), newer+","+stack.SecretsKey()), "postrider", "secrets", "rotate").want(0)
		s.r.WaitFor(t, "/", s.c.Publish(t, "post.created").ID)
		s.waitCheck(t, worker, "secrets", "ok", http.StatusOK)
	})

	t.Run("OfTheAPIWaitsForTheMigrations", func(t *testing.T) {
		t.Parallel()
		s := service{Stack: stack.On(t, pgtest.Empty(t))}
		api := s.Launch(t, "api")
		s.waitCheck(t, api, "migrations", "failed", http.StatusServiceUnavailable)
		stack.Eventually(t, "the API's own listener answers, migrations or not", func() bool { return s.Alive(t, api.URL) == http.StatusOK })
		s.postrider(t, "migrate", "up").want(0)
		s.WaitReady(t, api)
		s.Workspace(t, api)
	})

	t.Run("OfTheAPIMeansThatItListens", func(t *testing.T) {
		t.Parallel()
		s := stack.New(t)
		for range 3 {
			api := s.Launch(t, "api")
			stack.Eventually(t, "the API is ready", func() bool { return s.Readiness(t, api).Code == http.StatusOK })
			if code := s.Alive(t, api.URL); code != http.StatusOK {
				t.Errorf("/healthz on the API's own listener is %d once it is ready", code)
			}
		}
	})

	t.Run("OfEveryRoleNeedsPostgresAtTheStart", func(t *testing.T) {
		t.Parallel()
		s := service{Stack: stack.New(t)}
		nowhere := "POSTRIDER_POSTGRES_URL=postgres://" + stack.FreeAddr(t) + "/nobody"
		for _, role := range []string{"api", "worker", "scheduler"} {
			p := s.Launch(t, role, nowhere)
			s.waitCheck(t, p, "postgres", "failed", http.StatusServiceUnavailable)
			if p.Ended() {
				t.Errorf("the %s ended", role)
			}
		}
	})
}
