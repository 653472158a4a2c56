package stack

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"
)

// Readiness is the answer of /readyz.
type Readiness struct {
	Code     int    // the HTTP status; 0 when nobody answered
	Status   string `json:"status"`
	Draining bool   `json:"draining"`
	Checks   map[string]struct{ Status, Error string }
}

func (r Readiness) String() string { return fmt.Sprintf("%d %s %v", r.Code, r.Status, r.Checks) }

// Readiness asks a process whether it is ready.
func (s *Stack) Readiness(t testing.TB, p *Process) (r Readiness) {
	t.Helper()
	code, body := s.get(t, p.Health+"/readyz")
	if code == 0 {
		return r
	}
	if err := json.Unmarshal(body, &r); err != nil {
		t.Fatalf("/readyz of %s: %v: %s", p.Name, err, body)
	}
	r.Code = code
	return r
}

// WaitReady waits until a process is ready, unless it ends. That an API which
// says so listens is a claim of a test of its own.
func (s *Stack) WaitReady(t testing.TB, p *Process) {
	t.Helper()
	Eventually(t, p.Name+" is ready", func() bool {
		if p.Ended() {
			t.Fatalf("%s ended by itself: %v", p.Name, p.child.Err())
		}
		return s.Readiness(t, p).Code == http.StatusOK && (p.URL == "" || s.Alive(t, p.URL) == http.StatusOK)
	})
}

// Alive is the status of /healthz at a base URL; 0 when nobody answered.
func (s *Stack) Alive(t testing.TB, base string) int {
	t.Helper()
	code, _ := s.get(t, base+"/healthz")
	return code
}

// Metrics is all that a process tells of itself; empty when nobody answered.
func (s *Stack) Metrics(t testing.TB, p *Process) string {
	t.Helper()
	_, body := s.get(t, p.Health+"/metrics")
	return string(body)
}

// Metric is the value of a metric, of the first of its series unless the name is one's
// with its labels; 0 when it is not there.
func (s *Stack) Metric(t testing.TB, p *Process, name string) float64 {
	t.Helper()
	for line := range strings.SplitSeq(s.Metrics(t, p), "\n") {
		key, text, _ := strings.Cut(line, " ")
		if bare, _, _ := strings.Cut(key, "{"); bare != name && key != name {
			continue
		}
		value, err := strconv.ParseFloat(text, 64)
		if err != nil {
			t.Fatal(err)
		}
		return value
	}
	return 0
}

func (s *Stack) get(t testing.TB, url string) (code int, body []byte) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	res, err := s.http.Do(req)
	if err != nil {
		return 0, nil
	}
	defer res.Body.Close()
	if body, err = io.ReadAll(res.Body); err != nil {
		return 0, nil
	}
	return res.StatusCode, body
}
