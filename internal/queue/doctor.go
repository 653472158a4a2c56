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
	out.Servers, err = r.servers(ctx)
	return out, err
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
