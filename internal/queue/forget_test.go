package queue

import (
	"slices"
	"testing"
	"time"

	"github.com/postrider/postrider/internal/webhook"
)

func TestForget(t *testing.T) {
	t.Parallel()

	on(t, "RemovesATaskThatLostItsLease", func(t *testing.T, k *kit) {
		task, other := k.unscored(k.active(30*time.Second), "lease"), k.active(30*time.Second)
		must(t, k.inspector.Forget(t.Context(), []string{task, other}))
		if n := k.raw.Exists(t.Context(), key(webhook.LaneDeliver, "t:"+task)).Val(); n != 0 {
			t.Error("its hash is still there")
		}
		if active := k.raw.LRange(t.Context(), key(webhook.LaneDeliver, "active"), 0, -1).Val(); !slices.Equal(active, []string{other}) {
			t.Errorf("active are %v, want %s alone", active, other)
		}
	})

	// asynq itself puts back, runs or deletes all others, and counts on finding them.
	for _, s := range states {
		if s.name == "ActiveWithoutALease" || s.name == "Missing" {
			continue
		}
		on(t, "Leaves"+s.name, func(t *testing.T, k *kit) {
			task := s.make(k)
			lane, _ := webhook.LaneOf(task)
			must(t, k.inspector.Forget(t.Context(), []string{task}))
			if n := k.raw.Exists(t.Context(), key(lane, "t:"+task)).Val(); n != 1 {
				t.Error("it is gone")
			}
		})
	}
}
