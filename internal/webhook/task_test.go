package webhook_test

import (
	"slices"
	"testing"
	"time"

	"github.com/postrider/postrider/internal/webhook"
)

func TestTaskNamesItsQueue(t *testing.T) {
	t.Parallel()
	for _, lane := range webhook.Lanes() {
		for _, shards := range []webhook.Shards{0, 1, 2, 3, webhook.MaxShards} {
			places := shards.Places()
			met := map[webhook.Place]bool{}
			for range 200 * len(places) {
				task := shards.NewTask(lane, time.Now())
				got, place, ok := webhook.QueueOf(task)
				if !ok || got != lane || !slices.Contains(places, place) {
					t.Fatalf("%s is of lane %q at %d, want one of %d", task, got, place, places)
				}
				if one, ok := webhook.LaneOf(task); !ok || one != lane {
					t.Fatalf("%s is of lane %q", task, one)
				}
				met[place] = true
			}
			if len(met) != len(places) {
				t.Errorf("with %d shards tasks go to %d places", shards, len(met))
			}
		}
	}
	for _, bad := range []string{
		"", "c", "cx", "w_01j", "x_01j", "C_01j", "_c", "c0_01j", "c65_01j", "c07_01j", "c+7_01j", "c7", "c-1_01j", "c 7_01j", "w7_01j", "c300_01j",
	} {
		if got, ok := webhook.LaneOf(bad); ok {
			t.Errorf("%q is of lane %q", bad, got)
		}
	}
}

// What releases before shards wrote, and read.
func TestTaskWithoutShardsIsAsItEverWas(t *testing.T) {
	t.Parallel()
	for _, task := range []string{webhook.NewTask(webhook.LaneRetry, time.Now()), webhook.Shards(0).NewTask(webhook.LaneRetry, time.Now())} {
		if len(task) != 28 || task[:2] != "r_" {
			t.Errorf("it is %q", task)
		}
	}
}

func TestShardsAreSpreadEvenly(t *testing.T) {
	t.Parallel()
	for shards := webhook.Shards(2); shards <= webhook.MaxShards; shards++ {
		// As many masters as shards, each with an equal part of the slots: one for each.
		met := map[int]bool{}
		for _, p := range shards.Places() {
			if p < 1 || p > webhook.Places {
				t.Fatalf("%d shards have place %d", shards, p)
			}
			met[(int(p)-1)*int(shards)/webhook.Places] = true
		}
		if len(met) != int(shards) {
			t.Errorf("%d shards are on %d of as many masters", shards, len(met))
		}
	}
}
