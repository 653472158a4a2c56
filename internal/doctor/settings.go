package doctor

import (
	"fmt"
	"strconv"
	"time"

	"github.com/postrider/postrider/internal/doctor/facts"
)

// on is how Postgres says yes.
const on = "on"

// wanted is a setting of Postgres that has to have a value.
type wanted struct {
	name, value string
	level       Level
	comes       string // of another value
}

var wantedSettings = []wanted{
	{"fsync", on, Fail, "a crash of the machine loses what was accepted, or the whole database"},
	{"full_page_writes", on, Fail, "a crash of the machine may leave pages that are half written"},
	{"autovacuum", on, Fail, "dead rows are never cleared away: everything gets slower, and stops in the end"},
	{"track_counts", on, Fail, "autovacuum does not know what there is to do"},
	{"plan_cache_mode", "force_custom_plan", Warn, "each statement about deliveries locks every day's partition; something has dropped what Postrider sets for its sessions"},
	{"default_transaction_isolation", "read committed", Warn, "what happens at once fails, and is tried again"},
}

// leastTimes are settings that end what takes longer. 0 is never.
var leastTimes = []struct {
	name string
	at   time.Duration
	ends string
}{
	{"statement_timeout", time.Minute, "long jobs, such as replays and dropping days, are cut off"},
	{"transaction_timeout", time.Minute, "long jobs, such as replays and dropping days, are cut off"},
	{"idle_in_transaction_session_timeout", 10 * time.Second, "a process that has to wait loses its transaction"},
}

// settingNames are all that are asked for.
func settingNames() []string {
	names := []string{
		"synchronous_commit", "synchronous_standby_names", "transaction_read_only",
		"max_connections", "superuser_reserved_connections", "reserved_connections",
	}
	for _, w := range wantedSettings {
		names = append(names, w.name)
	}
	for _, l := range leastTimes {
		names = append(names, l.name)
	}
	return names
}

func (d *Doctor) lookAtSettings(s *facts.Postgres) {
	for _, w := range wantedSettings {
		if s.Pooled && w.name == "plan_cache_mode" {
			continue // what has no name is planned each time
		}
		if got := s.Settings[w.name]; got != w.value {
			d.bad(w.level, "postgres."+w.name, fmt.Sprintf("it is %s: %s", got, w.comes), w.setting(s.Role), "")
		} else {
			d.ok("postgres."+w.name, "%s", got)
		}
	}
	d.lookAtCommit(s)
	for _, l := range leastTimes {
		ms, _ := strconv.Atoi(s.Settings[l.name]) // one that this version does not have is 0
		if at := time.Duration(ms) * time.Millisecond; at > 0 && at < l.at {
			d.bad(Warn, "postgres."+l.name, fmt.Sprintf("it is %s: %s", at, l.ends), "ALTER ROLE "+ident(s.Role)+" SET "+l.name+" = 0", "")
		}
	}
}

// setting is what to write: some are a session's, the others the server's.
func (w wanted) setting(role string) string {
	switch w.name {
	case "plan_cache_mode", "default_transaction_isolation":
		return "ALTER ROLE " + ident(role) + " SET " + w.name + " = '" + w.value + "'"
	}
	return w.name + " = " + w.value
}

func (d *Doctor) lookAtCommit(s *facts.Postgres) {
	const check, set = "postgres.synchronous_commit", "synchronous_commit = on"
	switch got := s.Settings["synchronous_commit"]; {
	case got == "off":
		d.bad(Fail, check, "it is off: a crash loses events that were answered with 202", set, "it may be set for the role or the database: ALTER ROLE "+ident(s.Role)+" RESET synchronous_commit")
	case got == "local" && s.Settings["synchronous_standby_names"] != "":
		d.bad(Warn, check, "it is local: no commit waits for the standbys", set, "")
	default:
		d.ok(check, "%s", got)
	}
}

// leastProcesses is one of each role, below which nothing works.
const leastProcesses = 3

// lookAtRoom: each process has a pool.
func (d *Doctor) lookAtRoom(s *facts.Postgres) {
	const check = "postgres.max_connections"
	number := func(name string) int {
		n, _ := strconv.Atoi(s.Settings[name])
		return n
	}
	kept := number("superuser_reserved_connections") + number("reserved_connections")
	room, setting := number("max_connections")-kept, fmt.Sprintf("max_connections = %d", roundUp(d.cfg.PoolSize*d.cfg.Processes+kept+4))
	if s.RoleLimit >= 0 && s.RoleLimit < room {
		room, setting = s.RoleLimit, "ALTER ROLE "+ident(s.Role)+" CONNECTION LIMIT -1"
	}
	if s.DatabaseLimit >= 0 && s.DatabaseLimit < room {
		room, setting = s.DatabaseLimit, "ALTER DATABASE "+ident(s.Database)+" CONNECTION LIMIT -1"
	}
	fit := room / max(d.cfg.PoolSize, 1)
	found := fmt.Sprintf("room for %d connections, which is %d processes with a pool of %d each; %d are to run", room, fit, d.cfg.PoolSize, d.cfg.Processes)
	switch {
	case !s.Pooled && fit < leastProcesses:
		d.bad(Fail, check, found, setting, "")
	case !s.Pooled && fit < d.cfg.Processes:
		d.bad(Warn, check, found, setting, "or put a pooler in between")
	case s.Connections*10 > room*9:
		d.bad(Warn, check, fmt.Sprintf("%d of %d connections are open", s.Connections, room), fmt.Sprintf("max_connections = %d", roundUp(2*(room+kept))), "or find who else uses the server: SELECT application_name, count(*) FROM pg_stat_activity GROUP BY 1")
	case s.Pooled:
		d.ok(check, "room for %d connections, which the pooler shares out; it has to take %d of %d processes (max_client_conn)", room, d.cfg.PoolSize*d.cfg.Processes, d.cfg.Processes)
	default:
		d.ok(check, "%s", found)
	}
}

// roundUp is to whole tens, as people write such numbers.
func roundUp(n int) int { return (n + 9) / 10 * 10 }
