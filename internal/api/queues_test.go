package api

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/postrider/postrider/internal/webhook"
)

func TestQueues(t *testing.T) {
	t.Parallel()
	b := setup(t)
	now := time.Date(2026, 3, 1, 10, 30, 0, 0, time.UTC)

	t.Run("AreShownToTheAdminWithoutAWorkspace", func(t *testing.T) {
		b.queue.state = webhook.Queues{
			AsOf: now,
			Queues: []webhook.Queue{
				{Name: "deliver", Pending: 3, Active: 1, OldestPending: now.Add(-1500 * time.Millisecond)},
				{Name: "retry", Retry: 2, Pending: 1, OldestPending: now.Add(time.Second)}, // a clock that is ahead
			},
			Workers: []webhook.QueueWorker{{Host: "h", PID: 7, Started: now, Lanes: []webhook.QueueSlots{{Queue: "deliver", Running: 1, Slots: 256}}}},
			Memory:  &webhook.QueueMemory{Used: 1024, Policy: "noeviction"},
		}
		got := string(b.call(adminKey, "GET", "/v1/queues", "").want(http.StatusOK).raw)
		want := `{"as_of":"2026-03-01T10:30:00Z","queues":[{"name":"deliver","pending":3,"active":1,"scheduled":0,"retry":0,"latency_ms":1500},` +
			`{"name":"retry","pending":1,"active":0,"scheduled":0,"retry":2,"latency_ms":0}],` +
			`"workers":[{"host":"h","pid":7,"started_at":"2026-03-01T10:30:00Z","queues":[{"name":"deliver","running":1,"slots":256}]}],` +
			`"redis":{"used_bytes":1024,"limit_bytes":null,"maxmemory_policy":"noeviction"}}`
		if strings.TrimSpace(got) != want {
			t.Errorf("got  %s\nwant %s", got, want)
		}
	})
	t.Run("AreUnavailableWhileRedisIs", func(t *testing.T) {
		b.queue.err = fmt.Errorf("look: %w", &webhook.Error{Code: webhook.CodeUnavailable, Detail: "Redis is not available", RetryAfter: time.Second})
		a := b.call(adminKey, "GET", "/v1/queues", "").problem(http.StatusServiceUnavailable, webhook.CodeUnavailable)
		if a.header.Get("Retry-After") != "1" || !strings.Contains(string(a.raw), "Redis is not available") {
			t.Errorf("got %s", a.raw)
		}
	})
}
