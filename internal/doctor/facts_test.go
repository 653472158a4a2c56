package doctor_test

import (
	"context"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/postrider/postrider/internal/doctor"
	"github.com/postrider/postrider/internal/doctor/facts"
	"github.com/postrider/postrider/internal/egress"
)

// told is a deployment that says of itself what a test wants, where no real server
// can be made to be like that.
type told struct {
	postgres facts.Postgres
	redis    facts.Redis
}

func (f *told) Server(context.Context, []string) (facts.Postgres, error) { return f.postgres, nil }
func (f *told) Schema(context.Context, time.Time) (facts.Schema, error) {
	return facts.Schema{Today: true, DaysAhead: 14}, nil
}
func (f *told) Fleet(context.Context) (facts.Fleet, error) {
	return facts.Fleet{Workers: 1, Leads: true}, nil
}
func (f *told) Receivers(context.Context, int) ([]string, error) { return nil, nil }
func (f *told) Doctor(context.Context) (facts.Redis, error)      { return f.redis, nil }
func (f *told) says(r doctor.Report, check string) (found []doctor.Finding) {
	for _, one := range r.Findings {
		if one.Check == check && one.Level != doctor.OK {
			found = append(found, one)
		}
	}
	return found
}

func good() *told {
	return &told{
		postgres: facts.Postgres{
			Version: 150014, VersionText: "15.14", Role: "postrider", Database: "postrider", Schema: "public", Encoding: "UTF8",
			RoleLimit: -1, DatabaseLimit: -1, MayCreate: true,
			Settings: map[string]string{
				"fsync": "on", "full_page_writes": "on", "autovacuum": "on", "track_counts": "on", "synchronous_commit": "on",
				"plan_cache_mode": "force_custom_plan", "default_transaction_isolation": "read committed", "max_connections": "200",
			},
		},
		redis: facts.Redis{Kind: facts.Single, Servers: []facts.Server{{
			Addr: "a:6379", Version: "6.2.0", Role: "master", Policy: "noeviction", Used: 1 << 20, Limit: 1 << 30, AOF: true,
		}}},
	}
}

func TestDoctorJudges(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		turn  func(*told)
		check string // "" is nothing
		level doctor.Level
		says  string
	}{
		"NothingBad":          {func(*told) {}, "", "", ""},
		"OldPostgres":         {func(f *told) { f.postgres.Version, f.postgres.VersionText = 130022, "13.22" }, "postgres.version", doctor.Fail, "13.22"},
		"OldestPostgres":      {func(f *told) { f.postgres.Version = 140000 }, "", "", ""},
		"Standby":             {func(f *told) { f.postgres.Standby = true }, "postgres.writable", doctor.Fail, "standby"},
		"Encoding":            {func(f *told) { f.postgres.Encoding = "LATIN1" }, "postgres.encoding", doctor.Fail, "LATIN1"},
		"AsyncReplica":        {func(f *told) { f.postgres.Replicas = 2 }, "postgres.failover", doctor.Warn, "2 replicas"},
		"SyncReplica":         {func(f *told) { f.postgres.Replicas, f.postgres.Settings["synchronous_standby_names"] = 2, "*" }, "", "", ""},
		"LocalCommit":         {func(f *told) { f.sync("local") }, "postgres.synchronous_commit", doctor.Warn, "local"},
		"RemoteCommit":        {func(f *told) { f.sync("remote_write") }, "", "", ""},
		"PlannedOnce":         {func(f *told) { f.postgres.Settings["plan_cache_mode"] = "auto" }, "postgres.plan_cache_mode", doctor.Warn, "locks every day's"},
		"PoolerAndNoWayPast":  {func(f *told) { f.pooler() }, "postgres.pooler", doctor.Warn, "migrations"},
		"Slots":               {func(f *told) { f.postgres.IdleSlots = 1 }, "postgres.bloat", doctor.Warn, "WAL"},
		"OldRows":             {func(f *told) { f.postgres.FrozenAge = 1_500_000_000 }, "postgres.bloat", doctor.Warn, "two billion"},
		"OpenTransaction":     {func(f *told) { f.postgres.OldestTransaction = 2 * time.Hour }, "postgres.bloat", doctor.Warn, "2h0m0s"},
		"BriefTransaction":    {func(f *told) { f.postgres.OldestTransaction = time.Minute }, "", "", ""},
		"Prepared":            {func(f *told) { f.postgres.OldestPrepared = 3 * time.Hour }, "postgres.bloat", doctor.Warn, "prepared"},
		"Dead":                {func(f *told) { f.postgres.Tables = []facts.Table{table(100_000, 60_000)} }, "postgres.bloat", doctor.Warn, "60000 dead"},
		"FewDead":             {func(f *told) { f.postgres.Tables = []facts.Table{table(10, 40_000)} }, "", "", ""},
		"DeadAmongMany":       {func(f *told) { f.postgres.Tables = []facts.Table{table(1_000_000, 300_000)} }, "", "", ""},
		"Crowded":             {func(f *told) { f.postgres.Connections = 190 }, "postgres.max_connections", doctor.Warn, "190 of 200"},
		"DatabaseLimit":       {func(f *told) { f.postgres.DatabaseLimit = 20 }, "postgres.max_connections", doctor.Fail, "1 processes"},
		"NoSchema":            {func(f *told) { f.postgres.Schema = "" }, "postgres.migrations", doctor.Fail, "search_path"},
		"PostgresClock":       {func(f *told) { f.postgres.Ahead = 3 * time.Second }, "clock.postgres", doctor.Warn, "3s ahead"},
		"PostgresClockFar":    {func(f *told) { f.postgres.Ahead = -time.Minute }, "clock.postgres", doctor.Fail, "1m0s behind"},
		"RedisClock":          {func(f *told) { f.redis.Ahead = 11 * time.Second }, "clock.redis", doctor.Fail, "11s behind"},
		"RedisClockWellNear":  {func(f *told) { f.redis.Ahead = time.Second }, "", "", ""},
		"OldRedis":            {func(f *told) { f.redis.Servers[0].Version = "6.0.16" }, "redis.version", doctor.Fail, "6.0.16"},
		"NewRedis":            {func(f *told) { f.redis.Servers[0].Version = "10.1" }, "", "", ""},
		"NearlyFull":          {func(f *told) { f.redis.Servers[0].Used = 1<<30 - 1<<20 }, "redis.maxmemory", doctor.Fail, "1023 MiB of 1024 MiB"},
		"SaveFailed":          {func(f *told) { f.redis.Servers[0].SaveFailed = true }, "redis.persistence", doctor.Fail, "save failed"},
		"Evicted":             {func(f *told) { f.redis.Servers[0].Evicted = 3 }, "redis.maxmemory_policy", doctor.Warn, "3 keys"},
		"OneOfManyIsNamed":    {func(f *told) { f.redis.Servers = append(f.redis.Servers, facts.Server{Addr: "b:1", Version: "5.0"}) }, "redis.version", doctor.Fail, "b:1: it is 5.0"},
		"AReplicaOfSentinels": {func(f *told) { f.redis.Kind, f.redis.Servers[0].Role = facts.Sentinel, "slave" }, "redis.role", doctor.Fail, "replica"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := good()
			tt.turn(f)
			resolver := names{"example.com": "93.184.216.34"}
			r := doctor.New(doctor.Deps{Postgres: f, Redis: f, Resolver: resolver, Egress: egress.NewPolicy(egress.Config{})},
				doctor.Config{AdminKey: goodAdminKey, Keys: [][]byte{goodKey()}, PoolSize: 16}).Run(t.Context())
			if tt.check == "" {
				if r.Status != doctor.OK {
					t.Errorf("%+v", r.Findings)
				}
				return
			}
			said := f.says(r, tt.check)
			if len(said) == 0 || said[0].Level != tt.level || !strings.Contains(said[0].Found, tt.says) {
				t.Errorf("%+v", said)
			}
			if r.Status != tt.level && r.Status != doctor.Fail {
				t.Errorf("all in all it is %s", r.Status)
			}
		})
	}
}

func (f *told) sync(how string) {
	f.postgres.Settings["synchronous_commit"], f.postgres.Settings["synchronous_standby_names"] = how, "*"
}

// pooler: what a session can't keep, and processes that share a few connections.
func (f *told) pooler() {
	f.postgres.Pooled, f.postgres.Settings["plan_cache_mode"], f.postgres.Settings["max_connections"] = true, "auto", "30"
}

func table(live, dead int64) facts.Table {
	return facts.Table{Name: "workers", Owned: true, Usable: true, Live: live, Dead: dead}
}

// TestDocumented: what is looked at is in the table for people.
func TestDocumented(t *testing.T) {
	t.Parallel()
	page, err := os.ReadFile("../../docs/doctor.md")
	must(t, err)
	f := good()
	for _, name := range []string{"statement_timeout", "transaction_timeout", "idle_in_transaction_session_timeout"} {
		f.postgres.Settings[name] = "1"
	}
	f.redis.Servers[0].Role = "slave"
	r := doctor.New(doctor.Deps{Postgres: f, Redis: f, Resolver: names{}, Egress: egress.NewPolicy(egress.Config{})}, doctor.Config{Keys: [][]byte{goodKey()}}).Run(t.Context())
	for _, one := range r.Findings {
		if !strings.Contains(string(page), "`"+one.Check+"`") {
			t.Errorf("docs/doctor.md has nothing about %s", one.Check)
		}
	}
}
