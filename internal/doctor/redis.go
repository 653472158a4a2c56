package doctor

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/postrider/postrider/internal/doctor/facts"
)

const (
	oldestRedis = "6.2"
	noEviction  = "noeviction"
	// nearlyFull is a tenth free, but no more than 16 MiB: then new tasks stay in Postgres.
	nearlyFull = 16 << 20
)

func (d *Doctor) lookAtRedis(ctx context.Context) {
	redis, err := asked(ctx, d.Redis.Doctor)
	if err != nil {
		d.bad(Fail, "redis.connection", err.Error(), "", "redis.url must lead to a server that takes connections from this machine; its user and password are part of it")
		return
	}
	d.ok("redis.connection", "%s, %s a question", kindOf(redis), rounded(redis.RoundTrip))
	if redis.Refused != nil {
		d.bad(Fail, "redis.writable", redis.Refused.Error(), "", "deliveries wait in Postgres until it takes tasks")
	} else {
		d.ok("redis.writable", "it takes tasks")
	}
	d.lookAtClock("clock.redis", "Redis's clock", -redis.Ahead)
	if redis.Kind == facts.Cluster {
		d.lookAtShards(redis)
	}
	for _, s := range redis.Servers {
		d.lookAtRedisServer(s, len(redis.Servers) > 1)
	}
}

// lookAtShards looks whether every master of a cluster has queues: where it has not, the
// others do its work.
func (d *Doctor) lookAtShards(redis facts.Redis) {
	const check = "redis.shards"
	var idle []string
	for _, s := range redis.Servers {
		if s.Queues == 0 {
			idle = append(idle, s.Addr)
		}
	}
	setting := ""
	if redis.ShardsNeeded > 0 {
		setting = fmt.Sprintf("POSTRIDER_REDIS_SHARDS=%d", redis.ShardsNeeded)
	}
	if len(idle) > 0 {
		d.bad(Warn, check, fmt.Sprintf("of %d masters %d have no queue of first attempts: %s", len(redis.Servers), len(idle), strings.Join(idle, ", ")),
			setting, "in all processes; or use fewer masters")
		return
	}
	d.ok(check, "each lane has %d queues, and every master some of them", redis.Shards)
}

func kindOf(r facts.Redis) string {
	switch r.Kind {
	case facts.Cluster:
		return fmt.Sprintf("a cluster of %d masters", len(r.Servers))
	case facts.Sentinel:
		return "a master that sentinels look after"
	}
	return "one server"
}

// redisServer is one that is looked at; where there are several, each is named.
type redisServer struct {
	facts.Server
	at string
}

func (d *Doctor) lookAtRedisServer(server facts.Server, oneOfMany bool) {
	s := redisServer{Server: server}
	if oneOfMany {
		s.at = s.Addr + ": "
	}
	if s.Hidden {
		d.bad(Warn, "redis.version", s.at+"it may not be asked about itself (INFO is refused)", "ACL SETUSER … +info",
			"or see to it yourself: version "+oldestRedis+" or later, maxmemory-policy "+noEviction)
		return
	}
	d.lookAtRedisVersion(s)
	if s.Role == "slave" {
		d.bad(Fail, "redis.role", s.at+"it is a replica", "", "redis.url must lead to the primary; redis+sentinel:// and redis+cluster:// find it")
	}
	d.lookAtEviction(s)
	d.lookAtMemory(s)
	d.lookAtPersistence(s)
}

func (d *Doctor) lookAtRedisVersion(s redisServer) {
	if olderThan(s.Version, oldestRedis) {
		d.bad(Fail, "redis.version", fmt.Sprintf("%sit is %s: Postrider needs %s or later", s.at, s.Version, oldestRedis), "", "upgrade the server")
		return
	}
	d.ok("redis.version", "%s%s", s.at, s.Version)
}

// olderThan compares the first two numbers. A version that can't be read is none.
func olderThan(version, than string) bool {
	have, want := strings.Split(version+".", "."), strings.Split(than, ".")
	for i := range want {
		h, err := strconv.Atoi(have[i])
		w, _ := strconv.Atoi(want[i])
		if err != nil || h != w {
			return err == nil && h < w
		}
	}
	return false
}

func (d *Doctor) lookAtEviction(s redisServer) {
	const check, set = "redis.maxmemory_policy", "maxmemory-policy " + noEviction
	switch {
	case s.Policy != "" && s.Policy != noEviction:
		d.bad(Fail, check, fmt.Sprintf("%sit is %s: when memory is full tasks are thrown away, and their deliveries late by minutes", s.at, s.Policy), set, "now: CONFIG SET "+set)
	case s.Evicted > 0:
		d.bad(Warn, check, fmt.Sprintf("%sit is %s, but %d keys were thrown away since the server started", s.at, noEviction, s.Evicted), "", "nothing: what was lost is put back from Postgres")
	default:
		d.ok(check, "%s%s", s.at, noEviction)
	}
}

func (d *Doctor) lookAtMemory(s redisServer) {
	const check = "redis.maxmemory"
	switch free := s.Limit - s.Used; {
	case s.Limit == 0:
		d.bad(Warn, check, fmt.Sprintf("%sthere is no limit, and %s are used: a machine that runs out of memory kills the server", s.at, size(s.Used)),
			"maxmemory 1gb", "or what the machine can spare; Postrider keeps what is beyond it in Postgres")
	case free < min(s.Limit/10, nearlyFull):
		d.bad(Fail, check, fmt.Sprintf("%s%s of %s are used: new tasks stay in Postgres", s.at, size(s.Used), size(s.Limit)),
			fmt.Sprintf("maxmemory %dmb", 2*s.Limit>>20), "or free some of it: is somebody else's data in there?")
	default:
		d.ok(check, "%s%s of %s are used", s.at, size(s.Used), size(s.Limit))
	}
}

func (d *Doctor) lookAtPersistence(s redisServer) {
	const check = "redis.persistence"
	switch {
	case s.SaveFailed, s.AOFFailed:
		d.bad(Fail, check, s.at+"the last save failed: a server that can't save takes no tasks", "", "its log says why, often a full disk")
	case s.AOF:
		d.ok(check, "%severy write is in a file (appendonly)", s.at)
	case s.Snapshots:
		d.ok(check, "%sthere are snapshots: what came after the last one is put back from Postgres", s.at)
	default:
		d.bad(Warn, check, s.at+"a restart forgets what is queued: those deliveries are late while they are put back from Postgres", "appendonly yes", "nothing is lost without it")
	}
}

func size(n int64) string {
	if n < 1<<20 {
		return fmt.Sprintf("%d KiB", n>>10)
	}
	return fmt.Sprintf("%d MiB", n>>20)
}

func rounded(t time.Duration) time.Duration { return t.Round(10 * time.Microsecond) }

const (
	// someSkew makes what people read in logs and lists hard to put in order.
	someSkew = 2 * time.Second
	// farOff is where a worker takes no tasks any more.
	farOff = 10 * time.Second
)

func (d *Doctor) lookAtClock(check, whose string, ahead time.Duration) {
	const advice = "let one time service set the clocks of all machines, such as chrony"
	found := fmt.Sprintf("%s is %s ahead of this machine's", whose, ahead.Round(time.Millisecond))
	if ahead < 0 {
		found = fmt.Sprintf("%s is %s behind this machine's", whose, -ahead.Round(time.Millisecond))
	}
	switch {
	case ahead.Abs() > farOff:
		d.bad(Fail, check, found+": a worker takes no tasks where the clocks differ by more than 10s", "", advice)
	case ahead.Abs() > someSkew:
		d.bad(Warn, check, found, "", advice)
	default:
		d.ok(check, "%s", found)
	}
}
