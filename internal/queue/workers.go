package queue

import (
	"cmp"
	"context"
	"slices"
	"strconv"
	"time"

	"github.com/redis/go-redis/v9"
	"google.golang.org/protobuf/encoding/protowire"

	"github.com/postrider/postrider/internal/webhook"
)

// maxServers bounds how many asynq servers are read for each queue of a lane: each
// worker has one a queue.
const maxServers = 600

// workers are the processes that take tasks, by host. asynq's own Inspector would read
// every task that runs, payload and all.
func (i *Inspector) workers(ctx context.Context, now time.Time) ([]webhook.QueueWorker, error) {
	names, err := i.client.ZRangeByScore(ctx, "asynq:servers", &redis.ZRangeBy{
		Min: strconv.FormatInt(now.Unix(), 10), Max: "+inf", Count: maxServers * int64(len(i.redis.queues.all())/len(webhook.Lanes())),
	}).Result()
	if err != nil || len(names) == 0 {
		return nil, err
	}
	infos := make([]*redis.StringCmd, len(names))
	cmds, err := i.client.Pipelined(ctx, func(p redis.Pipeliner) error {
		for n, name := range names {
			infos[n] = p.Get(ctx, name)
		}
		return nil
	})
	if err := failure(cmds, err); err != nil {
		return nil, err
	}
	var servers []server
	for _, info := range infos {
		if s, ok := decodeServer([]byte(info.Val())); ok { // one that has just stopped has none
			servers = append(servers, s)
		}
	}
	return workersOf(servers), nil
}

// workersOf makes one worker of a process's servers, and of a lane's servers one line.
func workersOf(servers []server) []webhook.QueueWorker {
	slices.SortFunc(servers, func(a, b server) int {
		return cmp.Or(cmp.Compare(a.host, b.host), cmp.Compare(a.pid, b.pid), compareShards(a.queue, b.queue))
	})
	var out []webhook.QueueWorker
	for _, s := range servers {
		if n := len(out); n == 0 || out[n-1].Host != s.host || out[n-1].PID != s.pid {
			out = append(out, webhook.QueueWorker{Host: s.host, PID: s.pid, Started: s.started})
		}
		w := &out[len(out)-1]
		if s.started.Before(w.Started) {
			w.Started = s.started
		}
		lane := laneName(s.queue.lane)
		if n := len(w.Lanes); n == 0 || w.Lanes[n-1].Queue != lane {
			w.Lanes = append(w.Lanes, webhook.QueueSlots{Queue: lane})
		}
		slots := &w.Lanes[len(w.Lanes)-1]
		slots.Running += s.running
		slots.Slots += s.slots
	}
	return out
}

// server is what an asynq server says of itself every 5 s.
type server struct {
	host                string
	queue               shard
	pid, slots, running int
	started             time.Time
}

// decodeServer reads asynq v0.26's message ServerInfo, of which Go's type is internal
// to asynq. The numbers are its fields'.
func decodeServer(raw []byte) (s server, ok bool) {
	ours := false
	ok = eachField(raw, func(number protowire.Number, n uint64, text []byte) {
		switch number {
		case 1:
			s.host = string(text)
		case 2:
			s.pid = int(int32(n))
		case 4:
			s.slots = int(int32(n))
		case 5: // a map; ours have one entry
			eachField(text, func(number protowire.Number, _ uint64, text []byte) {
				if number == 1 {
					s.queue, ours = shardNamed(string(text))
				}
			})
		case 8: // seconds and nanoseconds
			eachField(text, func(number protowire.Number, n uint64, _ []byte) {
				if number == 1 {
					s.started = time.Unix(int64(n), 0).UTC()
				}
			})
		case 9:
			s.running = int(int32(n))
		}
	})
	return s, ok && ours && s.host != ""
}

// eachField hands over a message's fields: numbers in n, all else in text. It is false
// for what is no message.
func eachField(raw []byte, field func(number protowire.Number, n uint64, text []byte)) bool {
	for len(raw) > 0 {
		number, kind, size := protowire.ConsumeTag(raw)
		if size < 0 {
			return false
		}
		raw = raw[size:]
		var n uint64
		var text []byte
		switch kind {
		case protowire.VarintType:
			n, size = protowire.ConsumeVarint(raw)
		case protowire.BytesType:
			text, size = protowire.ConsumeBytes(raw)
		default:
			size = protowire.ConsumeFieldValue(number, kind, raw)
		}
		if size < 0 {
			return false
		}
		field(number, n, text)
		raw = raw[size:]
	}
	return true
}
