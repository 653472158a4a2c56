package doctor

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/postrider/postrider/internal/doctor/facts"
)

// lookAtRights: feed and the API read and write every table, the scheduler makes
// and drops partitions, for which it has to own those of the days.
func (d *Doctor) lookAtRights(s *facts.Postgres) {
	const check = "postgres.rights"
	before := len(d.findings)
	if !s.MayCreate {
		d.bad(Fail, check, fmt.Sprintf("%s may make no tables in the schema %s: no partition can be made", s.Role, s.Schema),
			"GRANT CREATE ON SCHEMA "+ident(s.Schema)+" TO "+ident(s.Role), "")
	}
	if names := namesOf(s.Tables, func(t facts.Table) bool { return t.Missing }); len(names) > 0 {
		d.bad(Fail, check, fmt.Sprintf("%s sees no table %s in the schema %s, though the migrations are applied", s.Role, some(names), s.Schema),
			"", "the role's search_path leads elsewhere than that of postgres.direct_url, or somebody dropped them")
	}
	if names := namesOf(s.Tables, func(t facts.Table) bool { return !t.Missing && !t.Usable }); len(names) > 0 {
		d.bad(Fail, check, fmt.Sprintf("%s may not read and write %s", s.Role, some(names)),
			"GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA "+ident(s.Schema)+" TO "+ident(s.Role), "")
	}
	if names := namesOf(s.Tables, func(t facts.Table) bool { return isDay(t.Name) && !t.Missing && !t.Owned }); len(names) > 0 {
		d.bad(Fail, check, fmt.Sprintf("%s does not own %s: partitions can't be made or dropped", s.Role, some(names)),
			"ALTER TABLE "+ident(names[0])+" OWNER TO "+ident(s.Role), "so for each of them; or run migrations and processes as one role")
	}
	if len(d.findings) == before {
		d.ok(check, "%s may do all that processes do", s.Role)
	}
}

// isDay tells the tables that have a partition a day, and the partitions.
func isDay(name string) bool {
	return slices.ContainsFunc([]string{"events", "deliveries", "attempts"}, func(table string) bool {
		return name == table || strings.HasPrefix(name, table+"_p")
	})
}

const (
	// manyDead rows, and more than half as many as live: autovacuum, which comes at
	// a fifth by default, does not keep up.
	manyDead = 50_000
	// longOpen is a transaction that no process of ours ever has.
	longOpen = time.Hour
	// oldRows: at two billion transactions Postgres stops taking writes.
	oldRows = 1_000_000_000
)

// lookAtTables is about what vacuum has to do, and what keeps it from that.
func (d *Doctor) lookAtTables(s *facts.Postgres) {
	const check = "postgres.bloat"
	before := len(d.findings)
	for _, t := range s.Tables {
		if t.Unvacuumed {
			d.bad(Warn, check, "autovacuum is told to leave "+t.Name+" alone", "ALTER TABLE "+ident(t.Name)+" RESET (autovacuum_enabled)", "")
		}
		if t.Dead > manyDead && t.Dead > t.Live/2 {
			d.bad(Warn, check, fmt.Sprintf("%s has %d dead rows beside %d live ones: reading it gets slow", t.Name, t.Dead, t.Live),
				"VACUUM (ANALYZE) "+ident(t.Name), "where that does not help, something keeps the rows: the next lines, if there are any")
		}
	}
	d.lookAtHolders(s, check)
	if s.FrozenAge > oldRows {
		d.bad(Warn, check, fmt.Sprintf("the oldest rows are %d transactions old: at two billion Postgres takes no more writes", s.FrozenAge), "VACUUM (FREEZE)", "")
	}
	if len(d.findings) == before {
		d.ok(check, "no table has many dead rows, and nothing keeps vacuum from its work")
	}
}

// lookAtHolders: what died since the oldest of these began can't be cleared away.
func (d *Doctor) lookAtHolders(s *facts.Postgres, check string) {
	if s.OldestTransaction > longOpen {
		d.bad(Warn, check, fmt.Sprintf("a transaction has been open for %s: what died since is kept", s.OldestTransaction.Round(time.Minute)),
			"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE xact_start < now() - interval '1 hour'", "find out first whose it is: no process of Postrider has one for so long")
	}
	if s.OldestPrepared > longOpen {
		d.bad(Warn, check, fmt.Sprintf("a prepared transaction is %s old: what died since is kept", s.OldestPrepared.Round(time.Minute)),
			"ROLLBACK PREPARED '…'", "pg_prepared_xacts has its name")
	}
	if s.IdleSlots > 0 {
		d.bad(Warn, check, fmt.Sprintf("%d replication slots are read by nobody: the disk fills with WAL", s.IdleSlots),
			"SELECT pg_drop_replication_slot('…')", "pg_replication_slots has their names")
	}
}

func namesOf(tables []facts.Table, has func(facts.Table) bool) []string {
	var names []string
	for _, t := range tables {
		if has(t) {
			names = append(names, t.Name)
		}
	}
	return names
}

// some are the first few of many names.
func some(names []string) string {
	if len(names) > 3 {
		return fmt.Sprintf("%s and %d more", strings.Join(names[:3], ", "), len(names)-3)
	}
	return strings.Join(names, ", ")
}

// ident is a name as SQL takes it.
func ident(name string) string {
	plain := !strings.ContainsFunc(name, func(r rune) bool { return (r < 'a' || r > 'z') && (r < '0' || r > '9') && r != '_' })
	if plain && name != "" {
		return name
	}
	return `"` + strings.ReplaceAll(name, `"`, `""`) + `"`
}
