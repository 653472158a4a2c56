package queue

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strconv"
	"sync"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/postrider/postrider/internal/doctor/facts"
	"github.com/postrider/postrider/internal/webhook"
)

// Doctor answers what postrider doctor asks of Redis. It changes nothing.
func (r *Redis) Doctor(ctx context.Context) (facts.Redis, error) {
	out := facts.Redis{Kind: r.kind()}
	if err := r.Ping(ctx); err != nil {
		return out, fmt.Errorf("ask redis for a sign of life: %w", err)
	}
	began := time.Now()
	skew, err := r.Skew(ctx)
	if err != nil {
		return out, err
	}
	out.Ahead, out.RoundTrip = skew, time.Since(began)
	out.Refused = r.Writable(ctx)
	if out.Servers, err = r.servers(ctx); err != nil {
		return out, err
	}
	return out, r.countQueues(ctx, &out)
}

// countQueues says where a cluster's queues are.
func (r *Redis) countQueues(ctx context.Context, out *facts.Redis) error {
	out.Shards = int(r.shards)
	cluster, ok := r.client.(*redis.ClusterClient)
	if !ok {
		return nil
	}
	at := make(map[webhook.Place]string, webhook.Places)
	on := func(place webhook.Place) (string, error) {
		if addr, known := at[place]; known {
			return addr, nil
		}
		master, err := cluster.MasterForKey(ctx, shard{webhook.LaneDeliver, place}.key("pending"))
		if err != nil {
			return "", fmt.Errorf("find the queue at place %d: %w", place, err)
		}
		at[place] = master.Options().Addr
		return at[place], nil
	}
	for _, place := range r.shards.Places() {
		addr, err := on(place)
		if err != nil {
			return err
		}
		for n := range out.Servers {
			if out.Servers[n].Addr == addr {
				out.Servers[n].Queues++
			}
		}
	}
	for shards := webhook.Shards(1); shards <= webhook.MaxShards && out.ShardsNeeded == 0; shards++ {
		met := make(map[string]bool)
		for _, place := range shards.Places() {
			addr, err := on(place)
			if err != nil {
				return err
			}
			met[addr] = true
		}
		if len(met) == len(out.Servers) {
			out.ShardsNeeded = int(shards)
		}
	}
	return nil
}

func (r *Redis) kind() facts.Kind {
	switch {
	case r.cluster:
		return facts.Cluster
	case r.opts.MasterName != "":
		return facts.Sentinel
	}
	return facts.Single
}

// servers are all that hold tasks: of a cluster, its masters.
func (r *Redis) servers(ctx context.Context) ([]facts.Server, error) {
	cluster, ok := r.client.(*redis.ClusterClient)
	if !ok {
		s, err := askServer(ctx, r.client, r.opts.Addrs[0])
		return []facts.Server{s}, err
	}
	var mu sync.Mutex
	var all []facts.Server
	err := cluster.ForEachMaster(ctx, func(ctx context.Context, c *redis.Client) error {
		s, err := askServer(ctx, c, c.Options().Addr)
		mu.Lock()
		defer mu.Unlock()
		all = append(all, s)
		return err
	})
	return all, err
}

// Hosts are where redis.url leads to.
func (r *Redis) Hosts() []string {
	hosts := make([]string, 0, len(r.opts.Addrs))
	for _, addr := range r.opts.Addrs {
		if host, _, err := net.SplitHostPort(addr); err == nil { // a socket's path has none
			hosts = append(hosts, host)
		}
	}
	return hosts
}

// askServer does with INFO alone: providers forbid CONFIG, and some INFO as well,
// which is an answer, too.
func askServer(ctx context.Context, c redis.Cmdable, addr string) (facts.Server, error) {
	info, err := c.Info(ctx).Result()
	var refused redis.Error
	if errors.As(err, &refused) {
		return facts.Server{Addr: addr, Hidden: true}, nil
	}
	if err != nil {
		return facts.Server{Addr: addr}, fmt.Errorf("ask redis about itself: %w", err)
	}
	s := serverOf(addr, parseInfo(info))
	if schedule, err := c.ConfigGet(ctx, "save").Result(); err == nil && schedule["save"] != "" {
		s.Snapshots = true
	}
	return s, nil
}

func serverOf(addr string, info map[string]string) facts.Server {
	number := func(name string) int64 {
		n, _ := strconv.ParseInt(info[name], 10, 64) // what is not there is 0
		return n
	}
	return facts.Server{
		Addr: addr, Version: info["redis_version"], Role: info["role"],
		Policy: info["maxmemory_policy"], Limit: number("maxmemory"),
		Used: number("used_memory") - number("mem_not_counted_for_evict"), Evicted: number("evicted_keys"),
		AOF: info["aof_enabled"] == "1", Snapshots: number("rdb_saves") > 0 || number("rdb_bgsave_in_progress") > 0,
		SaveFailed: info["rdb_last_bgsave_status"] == "err",
		AOFFailed:  info["aof_last_write_status"] == "err" || info["aof_last_bgrewrite_status"] == "err",
	}
}
