package queue

import (
	"context"
	"testing"
	"time"

	"google.golang.org/protobuf/encoding/protowire"

	"github.com/postrider/postrider/internal/webhook"
)

func (k *kit) state() webhook.Queues {
	k.t.Helper()
	got, err := k.inspector.State(k.t.Context())
	must(k.t, err)
	return got
}

func TestState(t *testing.T) {
	t.Parallel()

	on(t, "IsOfEveryLaneAlsoWhereRedisIsEmpty", func(t *testing.T, k *kit) {
		got := k.state()
		if len(got.Queues) != 3 || got.Queues[0] != (webhook.Queue{Name: "deliver"}) || got.Queues[1].Name != "bulk" || got.Queues[2].Name != "retry" || len(got.Workers) != 0 {
			t.Errorf("got %+v", got)
		}
		if d := time.Since(got.AsOf).Abs(); d > time.Minute {
			t.Errorf("as of %s ago", d)
		}
	})

	on(t, "CountsTasksByState", func(t *testing.T, k *kit) {
		for range 3 {
			k.enqueue(sample(1, 10))
		}
		k.active(30 * time.Second)
		k.at(webhook.LaneRetry, now().Add(time.Hour))
		k.retried()
		k.at(webhook.LaneBulk, now().Add(-time.Minute))
		for n, want := range []webhook.Queue{
			{Name: "deliver", Pending: 3, Active: 1}, {Name: "bulk", Pending: 1}, {Name: "retry", Scheduled: 1, Retry: 1},
		} {
			got := k.state().Queues[n]
			if got.OldestPending.IsZero() != (want.Pending == 0) {
				t.Errorf("%s: the oldest waits since %s", got.Name, got.OldestPending)
			}
			if got.OldestPending = want.OldestPending; got != want {
				t.Errorf("got %+v, want %+v", got, want)
			}
		}
	})

	on(t, "KnowsSinceWhenTheOldestWaitsAndNotTheNewest", func(t *testing.T, k *kit) {
		oldest := k.enqueue(sample(1, 10)).Task
		k.enqueue(sample(1, 10))
		at := now().Add(-time.Hour).UTC()
		must(t, k.raw.HSet(t.Context(), key(webhook.LaneDeliver, "t:"+oldest), "pending_since", at.UnixNano()).Err())
		if got := k.state().Queues[0].OldestPending; !got.Equal(at) {
			t.Errorf("got %s, want %s", got, at)
		}
		// A worker may take it between two questions.
		must(t, k.raw.Del(t.Context(), key(webhook.LaneDeliver, "t:"+oldest)).Err())
		if got := k.state().Queues[0].OldestPending; !got.IsZero() {
			t.Errorf("got %s", got)
		}
	})

	on(t, "NamesWhoTakesTasks", func(t *testing.T, k *kit) {
		started, end := make(chan string), make(chan struct{})
		k.serve(func(_ context.Context, c webhook.Chunk) error {
			started <- c.Task
			<-end
			return nil
		})
		k.enqueue(sample(1, 10))
		receive(t, started)
		defer close(end)
		// asynq tells it every 5 s.
		k.eventually("the worker says that it runs a task", func() bool {
			w := k.state().Workers
			return len(w) == 1 && len(w[0].Lanes) == 3 && w[0].Lanes[0].Running == 1
		})
		w := k.state().Workers[0]
		if w.Host == "" || w.PID == 0 || time.Since(w.Started).Abs() > time.Minute ||
			w.Lanes[0] != (webhook.QueueSlots{Queue: "deliver", Running: 1, Slots: 256}) || w.Lanes[2] != (webhook.QueueSlots{Queue: "retry", Slots: 64}) {
			t.Errorf("got %+v", w)
		}
		servers, err := k.asynq.Servers() // what asynq itself makes of it
		must(t, err)
		if len(servers) != 3 || servers[0].Host != w.Host || servers[0].PID != w.PID {
			t.Errorf("asynq sees %+v", servers)
		}
	})

	t.Run("ToldHowFullARealRedisIs", func(t *testing.T) {
		t.Parallel()
		k, _ := onServer(t, "--maxmemory", "64mb", "--maxmemory-policy", "allkeys-lru")
		if m := k.state().Memory; m == nil || m.Used < 1<<16 || m.Limit != 64<<20 || m.Policy != "allkeys-lru" {
			t.Errorf("got %+v", m)
		}
	})

	t.Run("IsUnavailableWhileRedisIsAway", func(t *testing.T) {
		t.Parallel()
		k, s := onServer(t)
		k.enqueue(sample(1, 10))
		s.Stop()
		got, err := k.inspector.State(t.Context())
		if webhook.CodeOf(err) != webhook.CodeUnavailable {
			t.Errorf("got %+v, %v", got, err)
		}
	})
}

func TestWhatIsNoServerIsLeftOut(t *testing.T) {
	t.Parallel()
	good := protowire.AppendString(protowire.AppendTag(nil, 1, protowire.BytesType), "host")
	entry := protowire.AppendString(protowire.AppendTag(nil, 1, protowire.BytesType), "bulk")
	good = protowire.AppendBytes(protowire.AppendTag(good, 5, protowire.BytesType), entry)
	if s, ok := decodeServer(good); !ok || s.host != "host" || s.queue != (shard{lane: webhook.LaneBulk}) {
		t.Errorf("got %+v, %v", s, ok)
	}
	for name, raw := range map[string][]byte{
		"Nothing": nil, "CutOff": good[:len(good)-1], "AnotherQueue": protowire.AppendString(protowire.AppendTag(nil, 1, protowire.BytesType), "host"), "Noise": {0xff, 0xff, 0xff},
	} {
		if s, ok := decodeServer(raw); ok {
			t.Errorf("%s is %+v", name, s)
		}
	}
}
