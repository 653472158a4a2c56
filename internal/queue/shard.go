package queue

import (
	"cmp"
	"slices"
	"strconv"
	"sync"

	"github.com/postrider/postrider/internal/webhook"
)

// shard is one of asynq's queues: a lane's at one place.
type shard struct {
	lane  webhook.Lane
	place webhook.Place
}

// shardOf is where a task is. A worker's own is in none: what is looked up there is
// not found.
func shardOf(task string) shard {
	lane, place, _ := webhook.QueueOf(task)
	return shard{lane, place}
}

// laneName is what people call a lane, and the name of its queue at place 0.
func laneName(lane webhook.Lane) string {
	switch lane {
	case webhook.LaneBulk:
		return "bulk"
	case webhook.LaneRetry:
		return "retry"
	default:
		return "deliver"
	}
}

// name is what asynq knows the queue by.
func (s shard) name() string {
	if s.place == 0 {
		return laneName(s.lane)
	}
	return placed().names[s]
}

// key is one of asynq v0.26's of this queue. All of them are in one hash slot.
func (s shard) key(rest string) string { return "asynq:{" + s.name() + "}:" + rest }

// shardNamed is the queue of that name; false for one that is not ours.
func shardNamed(name string) (shard, bool) {
	for _, lane := range webhook.Lanes() {
		if name == laneName(lane) {
			return shard{lane: lane}, true
		}
	}
	s, ok := placed().shards[name]
	return s, ok
}

func compareShards(a, b shard) int {
	return cmp.Or(cmp.Compare(laneOrder(a.lane), laneOrder(b.lane)), cmp.Compare(a.place, b.place))
}

func laneOrder(lane webhook.Lane) int { return slices.Index(webhook.Lanes(), lane) }

// names of all queues at places, both ways.
type names struct {
	names  map[shard]string
	shards map[string]shard
}

// placed never changes: a task is found by the name of its queue, in any release.
var placed = sync.OnceValue(func() names {
	all := names{make(map[shard]string), make(map[string]shard)}
	for _, lane := range webhook.Lanes() {
		for place := webhook.Place(1); place <= webhook.Places; place++ {
			s := shard{lane, place}
			name := nameAt(s)
			all.names[s], all.shards[name] = name, s
		}
	}
	return all
})

// nameAt is the first name that falls into the place's part of the slots: the lane's,
// the place and as many letters as that takes, such as deliver-37ab.
func nameAt(s shard) string {
	const letters = "abcdefghijklmnopqrstuvwxyz"
	prefix := laneName(s.lane) + "-" + strconv.Itoa(int(s.place))
	for n := 0; ; n++ {
		name := prefix
		for rest := n; ; rest /= len(letters) {
			name += letters[rest%len(letters) : rest%len(letters)+1]
			if rest < len(letters) {
				break
			}
		}
		if slotOf(name)/slotsOfPlace == int(s.place)-1 {
			return name
		}
	}
}

// A cluster's hash slots.
const (
	slots        = 16384
	slotsOfPlace = slots / webhook.Places
)

// slotOf is CRC16 (XMODEM) of what stands between the first braces of a key.
func slotOf(tag string) int {
	var crc uint16
	for i := range len(tag) {
		crc ^= uint16(tag[i]) << 8
		for range 8 {
			if crc&0x8000 != 0 {
				crc = crc<<1 ^ 0x1021
			} else {
				crc <<= 1
			}
		}
	}
	return int(crc) % slots
}
