package console_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/postrider/postrider/internal/webhook"
)

func TestQueues(t *testing.T) {
	t.Parallel()
	b := setup(t)
	w := b.browser()
	w.signIn(adminKey)
	now := time.Now()

	t.Run("AreShownWithWhatEachIsForAndWhoTakesThem", func(_ *testing.T) {
		b.queues.now = webhook.Queues{
			AsOf:    now,
			Queues:  []webhook.Queue{{Name: "deliver", Pending: 12_345, Active: 7, OldestPending: now.Add(-90 * time.Second)}, {Name: "bulk"}, {Name: "retry", Scheduled: 3, Retry: 4}},
			Workers: []webhook.QueueWorker{{Host: "<i>host</i>", PID: 7, Started: now.Add(-time.Hour), Lanes: []webhook.QueueSlots{{Queue: "deliver", Running: 7, Slots: 256}}}},
			Memory:  &webhook.QueueMemory{Used: 3 << 20, Limit: 12 << 20, Policy: "allkeys-lru"},
		}
		for _, path := range []string{"/console/queues", "/console/w/acme/queues"} {
			w.get(path).want(200, "12,345", "1 min 30 s", "First attempts", "Replays, and bursts", "&lt;i&gt;host&lt;/i&gt;", "3 MiB", "25 %", "of 12 MiB", "is allkeys-lru", "on 1 worker", `sse-connect="`+path+`/live"`)
		}
	})
	t.Run("SayThatNoWorkerRuns", func(_ *testing.T) {
		b.queues.now.Workers, b.queues.now.Memory = nil, nil
		w.get("/console/queues").want(200, "No worker runs.", "this Redis does not say")
	})
	t.Run("SayThatRedisIsAway", func(_ *testing.T) {
		b.queues.err = &webhook.Error{Code: webhook.CodeUnavailable, Detail: "Redis is not available"}
		w.get("/console/queues").want(http.StatusServiceUnavailable, "Redis does not answer.", "Nothing is lost")
		b.queues.err = nil
	})
	t.Run("AreTheAdmins", func(t *testing.T) {
		holder := b.browser()
		holder.signIn(b.key)
		holder.get("/console/w/acme/queues").want(404)
		holder.get("/console/queues").want(404)
		if p := holder.get("/console/w/acme/overview"); strings.Contains(p.text, "/queues\"") || !strings.Contains(p.text, "/audit-log\"") {
			t.Error("the navigation offers what may not be seen, or lacks what may")
		}
		w.get("/console/w/acme/overview").want(200, `/console/w/acme/queues"`, `/console/w/acme/keys"`, `/console/w/acme/settings"`)
	})
}

func TestQueuesOfARunningPostrider(t *testing.T) {
	t.Parallel()
	r, rcv := running(t), newReceiver(t)
	r.endpoint(rcv.URL)
	r.publish("post.created", map[string]any{"id": 1})
	w := r.browser()
	w.signIn(adminKey)
	r.eventually("the worker says that it is there", func() bool { return strings.Contains(w.get("/console/queues").text, "on 1 worker") })
	w.get("/console/queues").want(200, "deliver <span", "of 256", "bulk <span", "of 64")
}
