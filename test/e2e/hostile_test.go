package e2e

import (
	"bytes"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/postrider/postrider/internal/webhook"
	"github.com/postrider/postrider/test/e2e/stack"
	"github.com/postrider/postrider/test/hostile"
)

// told is what an attempt or a test request says of a receiver.
type told struct {
	Status   int                `json:"status_code"`
	Class    webhook.ErrorClass `json:"error_class"`
	Error    string
	Body     string `json:"response_body"`
	Bytes    []byte `json:"response_body_base64"`
	Duration int64  `json:"duration_ms"`
}

// body is what the receiver sent.
func (a *told) body() []byte {
	if a.Bytes != nil {
		return a.Bytes
	}
	return []byte(a.Body)
}

// overtime is what an attempt may take beyond its timeout on a busy machine. The
// receivers would go on for ever.
const overtime = 10 * time.Second

// maxWorkerBytes bounds the memory that a worker ever took from the system: a few
// times what it takes without any hostile receiver, and a fraction of what they send.
const maxWorkerBytes = 128 << 20

// TestHostileReceivers sends to each of them by a worker and by a test request, and
// holds both to docs/delivery-errors.md.
func TestHostileReceivers(t *testing.T) {
	t.Parallel()
	page, known, names := hostile.Page(t), hostile.NewAuthority(t, "Known CA"), hostile.NewNameServer(t)
	hostile.Names(names)
	s := service{Stack: asking(t, names, stack.New(t))}
	s.Env = append(s.Env, "SSL_CERT_FILE="+filepath.Join(s.Dir, "ca.pem"), "SSL_CERT_DIR="+s.Dir)
	if err := os.WriteFile(filepath.Join(s.Dir, "ca.pem"), known.PEM(), 0o644); err != nil {
		t.Fatal(err)
	}
	s.api = s.API(t)
	worker := s.Worker(t)
	s.Scheduler(t)
	s.c = s.Workspace(t, s.api)

	t.Run("Each", func(t *testing.T) {
		for _, b := range hostile.Behaviours() {
			t.Run(b.Name, func(t *testing.T) {
				t.Parallel()
				url, server := b.Start(t, known)
				timeout := 30 * time.Second
				if b.Hangs {
					timeout = 2 * time.Second
				}
				e, attempts := s.sentTo(t, url, timeout)
				if len(attempts) != 1 {
					t.Fatalf("%d attempts, want one", len(attempts))
				}
				wantTold(t, page, &b, &attempts[0], timeout)
				if server != nil && server.Sent() > 32<<20 {
					t.Errorf("the receiver could send %d bytes", server.Sent())
				}
				var tried told
				s.c.Call(t, http.MethodPost, "/v1/endpoints/"+e+"/test", nil, http.StatusOK, &tried)
				if b.Status == http.StatusGone {
					tried.Error += "; the endpoint is disabled" // by the delivery, and not by the test
				}
				wantTold(t, page, &b, &tried, timeout)
			})
		}
	})
	if sys := s.Metric(t, worker, "go_memstats_sys_bytes"); sys == 0 || sys > maxWorkerBytes {
		t.Errorf("the worker took %.0f MiB of memory", sys/(1<<20))
	} else {
		t.Logf("the worker took %.0f MiB of memory", sys/(1<<20))
	}
}

// sentTo makes an endpoint, publishes an event for it, and returns its attempts.
func (s service) sentTo(t *testing.T, url string, timeout time.Duration) (endpoint string, attempts []told) {
	t.Helper()
	kind := "case." + strings.NewReplacer("/", ".", " ", "_").Replace(t.Name())
	var e struct{ ID string }
	s.c.Call(t, http.MethodPost, "/v1/endpoints", stack.Settings{
		"url": url, "events": []string{kind}, "timeout": int(timeout / time.Second), "retry_schedule": []int{},
	}, http.StatusCreated, &e)
	return e.ID, s.attemptsAt(t, kind)
}

// attemptsAt publishes an event of a type that one endpoint wants, and returns the
// attempts once the delivery has ended.
func (s service) attemptsAt(t *testing.T, kind string) []told {
	t.Helper()
	event := s.c.Publish(t, kind)
	if event.Deliveries != 1 {
		t.Fatalf("%d deliveries, want one", event.Deliveries)
	}
	delivery := s.c.Deliveries(t, event.ID)[0].ID
	stack.Eventually(t, "the delivery has ended", func() bool {
		return s.c.Deliveries(t, event.ID)[0].Status != "pending"
	})
	var list struct{ Data []told }
	s.c.Call(t, http.MethodGet, "/v1/deliveries/"+delivery+"/attempts", nil, http.StatusOK, &list)
	return list.Data
}

func wantTold(t *testing.T, page map[string]hostile.Row, b *hostile.Behaviour, a *told, timeout time.Duration) {
	t.Helper()
	row, there := page[b.Does]
	if !there {
		t.Fatalf("docs/delivery-errors.md has no row %q", b.Does)
	}
	row.Check(t, a.Class, a.Error)
	if a.Status != b.Status {
		t.Errorf("status %d, want %d", a.Status, b.Status)
	}
	if b.Body != nil && !bytes.Equal(a.body(), b.Body) {
		t.Errorf("%d bytes of body are kept (%.40q), want %d (%.40q)", len(a.body()), a.body(), len(b.Body), b.Body)
	}
	if (a.Bytes != nil) == utf8.Valid(a.body()) || !utf8.ValidString(a.Body) {
		t.Errorf("response_body_base64 has %d bytes beside %.40q", len(a.Bytes), a.Body)
	}
	if took := time.Duration(a.Duration) * time.Millisecond; took > timeout+overtime {
		t.Errorf("took %s with a timeout of %s", took, timeout)
	}
	if strings.Contains(a.Error, "s3cret") || strings.Contains(a.Error, "/hook") {
		t.Errorf("%q holds the URL's path or query", a.Error)
	}
}
