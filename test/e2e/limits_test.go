package e2e

import (
	"net/http"
	"strconv"
	"testing"
	"time"

	"github.com/postrider/postrider/test/e2e/stack"
)

func TestRateLimit(t *testing.T) {
	t.Parallel()

	t.Run("OfAKeyHoldsOverTwoAPIs", func(t *testing.T) {
		t.Parallel()
		const perSecond = 40
		s := stack.New(t)
		limit := "POSTRIDER_API_RATE_LIMIT=" + strconv.Itoa(perSecond)
		apis := [2]*stack.Process{s.API(t, limit), s.API(t, limit)}
		c := s.Workspace(t, apis[0])
		allowed, began := 0, time.Now()
		for i := range 6 * perSecond {
			a := c.At(apis[i%2]).Do(t, http.MethodGet, "/v1/endpoints", nil)
			wantQuota(t, a, perSecond)
			if a.Status == http.StatusOK {
				allowed++
			}
		}
		took := time.Since(began)
		if most := perSecond * (1 + took.Seconds()); allowed < perSecond || float64(allowed) > most {
			t.Errorf("%d requests were allowed within %s, want %d to %.0f", allowed, took, perSecond, most)
		}
		t.Logf("%d of %d requests were allowed within %s", allowed, 6*perSecond, took)
	})

	t.Run("FailsNothingWithoutRedis", func(t *testing.T) {
		t.Parallel()
		const perSecond = 20
		s := stack.New(t)
		apis := [2]*stack.Process{s.API(t, "POSTRIDER_API_RATE_LIMIT=20"), s.API(t, "POSTRIDER_API_RATE_LIMIT=20")}
		c := s.Workspace(t, apis[0])
		s.Redis.Stop()
		for _, api := range apis {
			allowed, began := 0, time.Now()
			for range 3 * perSecond {
				a := c.At(api).Do(t, http.MethodGet, "/v1/endpoints", nil)
				wantQuota(t, a, perSecond)
				if a.Status == http.StatusOK {
					allowed++
				}
			}
			// What was asked of Redis when it went away was used up there.
			if most := perSecond*(1+time.Since(began).Seconds()) + 1; allowed < perSecond || float64(allowed) > most {
				t.Errorf("%d requests were allowed by one process, want %d to %.0f", allowed, perSecond, most)
			}
		}
	})
}

// wantQuota checks an answer under a limit: a 200, or a 429 that says when to come
// back.
func wantQuota(t *testing.T, a stack.Answer, perSecond int) {
	t.Helper()
	if a.Status != http.StatusOK && a.Status != http.StatusTooManyRequests {
		t.Fatalf("got %s", a)
	}
	if got := a.Header.Get("X-RateLimit-Limit"); got != strconv.Itoa(perSecond) {
		t.Errorf("X-RateLimit-Limit is %q", got)
	}
	left, err := strconv.Atoi(a.Header.Get("X-RateLimit-Remaining"))
	if err != nil || left < 0 || left >= perSecond {
		t.Errorf("X-RateLimit-Remaining is %q", a.Header.Get("X-RateLimit-Remaining"))
	}
	if after := a.Header.Get("Retry-After"); (a.Status == http.StatusTooManyRequests) != (after == "1") {
		t.Errorf("a %d has the Retry-After %q", a.Status, after)
	}
}
