package queue

import (
	"maps"
	"strings"
	"testing"

	"github.com/postrider/postrider/internal/redistest"
	"github.com/postrider/postrider/internal/webhook"
)

func TestQueueNames(t *testing.T) {
	t.Parallel()

	t.Run("FallIntoTheirPartOfTheSlots", func(t *testing.T) {
		t.Parallel()
		raw := open(t, "redis://"+redistest.New(t, "--cluster-enabled", "yes").Addr()).client
		seen := map[string]bool{}
		for _, lane := range webhook.Lanes() {
			for place := webhook.Place(1); place <= webhook.Places; place++ {
				s := shard{lane, place}
				slot, err := raw.ClusterKeySlot(t.Context(), s.key("pending")).Result()
				must(t, err)
				if slot/256+1 != int64(place) {
					t.Errorf("%s is in slot %d, at place %d", s.name(), slot, slot/256+1)
				}
				if back, ok := shardNamed(s.name()); !ok || back != s || seen[s.name()] {
					t.Errorf("%v is called %s, which is %v", s, s.name(), back)
				}
				seen[s.name()] = true
			}
		}
	})

	// Tasks of an earlier release wait in them.
	t.Run("NeverChange", func(t *testing.T) {
		t.Parallel()
		want := map[shard]string{
			{webhook.LaneDeliver, 0}: "deliver", {webhook.LaneBulk, 0}: "bulk", {webhook.LaneRetry, 0}: "retry",
			{webhook.LaneDeliver, 11}: "deliver-11sh", {webhook.LaneDeliver, 33}: "deliver-33h", {webhook.LaneDeliver, 64}: "deliver-64gh",
			{webhook.LaneBulk, 33}: "bulk-33a", {webhook.LaneRetry, 55}: "retry-55ti",
		}
		got := map[shard]string{}
		for s := range want {
			got[s] = s.name()
		}
		if !maps.Equal(got, want) {
			t.Errorf("got %v, want %v", got, want)
		}
	})

	t.Run("OfOthersAreNotOurs", func(t *testing.T) {
		t.Parallel()
		for _, name := range []string{"", "default", "deliver-", "deliver-1", "deliver-11", "deliver-11SH", "deliver-65a", "mine", "retry-11sh"} {
			if s, ok := shardNamed(name); ok {
				t.Errorf("%q is %v", name, s)
			}
		}
	})
}

// Every lane's shards are on all masters, as evenly as their number allows.
func TestShardsCoverTheMasters(t *testing.T) {
	t.Parallel()
	for masters := 1; masters <= int(ClusterShards); masters++ {
		q := queuesOf(ClusterShards)
		for _, lane := range webhook.Lanes() {
			on := map[int]int{}
			for _, s := range q.own {
				if s.lane == lane {
					on[slotOf(s.name())*masters/slots]++
				}
			}
			if len(on) != masters {
				t.Errorf("of %d masters %d have a queue of %s", masters, len(on), laneName(lane))
			}
			for _, n := range on {
				if most := (int(ClusterShards) + masters - 1) / masters; n > most {
					t.Errorf("one of %d masters has %d queues of %s, want %d at most", masters, n, laneName(lane), most)
				}
			}
		}
	}
	if name := (shard{webhook.LaneRetry, 7}).key("lease"); !strings.HasPrefix(name, "asynq:{retry-7") {
		t.Errorf("a key is %s", name)
	}
}
