package doctor_test

import (
	"testing"

	"github.com/redis/go-redis/v9"

	"github.com/postrider/postrider/internal/doctor"
	"github.com/postrider/postrider/internal/redistest"
)

func TestDoctorLooksAtRedis(t *testing.T) {
	t.Parallel()
	p := newPatient(t)
	for name, tt := range map[string]struct {
		args    []string
		check   string
		level   doctor.Level
		setting string
	}{
		"Evicts":       {[]string{"--maxmemory-policy", "allkeys-lru"}, "redis.maxmemory_policy", doctor.Fail, "maxmemory-policy noeviction"},
		"EvictsSome":   {[]string{"--maxmemory-policy", "volatile-ttl"}, "redis.maxmemory_policy", doctor.Fail, "maxmemory-policy noeviction"},
		"NoLimit":      {nil, "redis.maxmemory", doctor.Warn, "maxmemory 1gb"},
		"Full":         {[]string{"--maxmemory", "1mb"}, "redis.writable", doctor.Fail, ""},
		"Replica":      {[]string{"--replicaof", "127.0.0.1 1"}, "redis.role", doctor.Fail, ""},
		"KeepsNothing": {nil, "redis.persistence", doctor.Warn, "appendonly yes"},
		"KeepsAFile":   {[]string{"--appendonly", "yes"}, "redis.persistence", doctor.OK, ""},
		"Snapshots":    {[]string{"--save", "60 1"}, "redis.persistence", doctor.OK, ""},
		"TellsNothing": {[]string{"--user", "default", "on", "nopass", "~*", "&*", "+@all", "-info"}, "redis.version", doctor.Warn, "ACL SETUSER … +info"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			own := *p
			own.t, own.redisURL = t, "redis://"+start(t, tt.args)
			expect(t, own.report(), tt.check, tt.level, tt.setting)
		})
	}
}

// start leaves servers alone that can't be asked in the usual way.
func start(t *testing.T, args []string) string {
	t.Helper()
	if len(args) == 0 || args[0] != "--user" {
		return redistest.New(t, args...).Addr()
	}
	addr := redistest.New(t).Addr()
	c := redis.NewClient(&redis.Options{Addr: addr})
	defer c.Close()
	must(t, c.Do(t.Context(), "ACL", "SETUSER", "default", "-info").Err())
	return addr
}

func TestDoctorLooksAtAClustersMasters(t *testing.T) {
	t.Parallel()
	p := newPatient(t)
	masters := redistest.Cluster(t, 3, "--maxmemory-policy", "allkeys-random")
	p.redisURL = "redis+cluster://" + redistest.Addrs(masters)
	r := p.report()
	if f := found(t, r, "redis.connection"); f.Level != doctor.OK || f.Found[:22] != "a cluster of 3 masters" {
		t.Errorf("%+v", f)
	}
	expect(t, r, "redis.maxmemory_policy", doctor.Fail, "maxmemory-policy noeviction")
	expect(t, r, "redis.shards", doctor.OK, "")
	p.shards = 2
	expect(t, p.report(), "redis.shards", doctor.Warn, "POSTRIDER_REDIS_SHARDS=3")
}

func TestDoctorGoesOnWithoutRedis(t *testing.T) {
	t.Parallel()
	p := newPatient(t)
	p.redisURL = "redis://:hunter2@127.0.0.1:1"
	r := p.report()
	expect(t, r, "redis.connection", doctor.Fail, "")
	expect(t, r, "egress.allow", doctor.OK, "")
}
