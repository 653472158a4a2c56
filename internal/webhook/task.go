package webhook

import (
	"encoding/binary"
	"strconv"
	"strings"
	"time"
)

// Lane is the queue that a task waits in. Each has workers of its own, so
// retries never starve first attempts and replays never live traffic.
type Lane byte

// The three lanes.
const (
	LaneDeliver Lane = 'c' // first attempts
	LaneBulk    Lane = 'b' // replays, and workspaces far over their share
	LaneRetry   Lane = 'r' // everything that was tried before
)

// Lanes lists every lane.
func Lanes() []Lane { return []Lane{LaneDeliver, LaneBulk, LaneRetry} }

// Place says where a lane's queue lives in a Redis Cluster: place p is the p-th of
// Places equal parts of the hash slots. Place 0 is none of them, but where the name
// of a lane happens to fall: what there is without shards.
type Place byte

// Places is how many there are besides place 0.
const Places = 64

// Shards is into how many queues each lane is split; 0 is 1, and MaxShards the most.
// It decides where new tasks go. What is elsewhere, from when there were more, is
// found there: a task's id names its place.
type Shards int

// MaxShards bounds what a worker serves: three asynq servers for each.
const MaxShards = 32

// Places are those of all shards, spread evenly over the hash slots.
func (s Shards) Places() []Place {
	if s <= 1 {
		return []Place{0}
	}
	places := make([]Place, s)
	for n := range places {
		places[n] = s.place(n)
	}
	return places
}

// place is the n-th shard's: the middle of the n-th of equal parts.
func (s Shards) place(n int) Place { return Place(1 + (2*n+1)*Places/(2*int(s))) }

// NewTask returns the id of a task that has not existed before, in one of the lane's
// shards: a chunk at a time, so that a group's chunks are as full as with one.
func (s Shards) NewTask(lane Lane, t time.Time) string {
	id := NewID(t)
	var place Place
	if s > 1 {
		place = s.place(int(binary.BigEndian.Uint32(id[12:]) % uint32(s)))
	}
	return taskName(lane, place, id)
}

// NewTask is a task in a lane that has one queue.
func NewTask(lane Lane, t time.Time) string { return taskName(lane, 0, NewID(t)) }

// taskName starts with where the task is, so that who finds it on a row knows where
// to look: "c_" and the id, or at place 37 "c37_" and the id.
func taskName(lane Lane, place Place, id ID) string {
	if place == 0 {
		return string(lane) + "_" + id.String()
	}
	return string(lane) + strconv.Itoa(int(place)) + "_" + id.String()
}

// WorkerTaskPrefix starts the task of a delivery that a worker holds in memory:
// its task in Redis is done, its request still runs.
const WorkerTaskPrefix = "w_"

// LaneOf is the lane of a task in Redis; false for a worker's.
func LaneOf(task string) (Lane, bool) {
	lane, _, ok := QueueOf(task)
	return lane, ok
}

// QueueOf is where a task in Redis is; false for a worker's.
func QueueOf(task string) (Lane, Place, bool) {
	if len(task) < 2 {
		return 0, 0, false
	}
	lane := Lane(task[0])
	if lane != LaneDeliver && lane != LaneBulk && lane != LaneRetry {
		return 0, 0, false
	}
	if task[1] == '_' {
		return lane, 0, true
	}
	number, _, found := strings.Cut(task[1:], "_")
	place, err := strconv.ParseUint(number, 10, 8)
	if !found || err != nil || place < 1 || place > Places || number[0] == '0' {
		return 0, 0, false
	}
	return lane, Place(place), true
}
