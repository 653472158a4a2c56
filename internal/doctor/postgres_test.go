package doctor_test

import (
	"context"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/postrider/postrider/internal/doctor"
	"github.com/postrider/postrider/internal/pgtest"
	"github.com/postrider/postrider/internal/postgres"
	"github.com/postrider/postrider/test/e2e/stack"
)

func TestDoctorLooksAtSessions(t *testing.T) {
	t.Parallel()
	role := "postgres"
	for name, tt := range map[string]struct {
		value   string
		level   doctor.Level
		setting string
	}{
		"synchronous_commit":                  {"off", doctor.Fail, "synchronous_commit = on"},
		"statement_timeout":                   {"5s", doctor.Warn, "ALTER ROLE " + role + " SET statement_timeout = 0"},
		"idle_in_transaction_session_timeout": {"1s", doctor.Warn, "ALTER ROLE " + role + " SET idle_in_transaction_session_timeout = 0"},
		"default_transaction_isolation":       {"serializable", doctor.Warn, "ALTER ROLE " + role + " SET default_transaction_isolation = 'read committed'"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := newPatient(t)
			p.setDatabase(name, tt.value)
			expect(t, p.report(), "postgres."+name, tt.level, tt.setting)
		})
	}
	t.Run("ReadOnly", func(t *testing.T) {
		t.Parallel()
		p := newPatient(t)
		p.setDatabase("default_transaction_read_only", "on")
		expect(t, p.report(), "postgres.writable", doctor.Fail, "default_transaction_read_only = off")
	})
	t.Run("LongEnough", func(t *testing.T) {
		t.Parallel()
		p := newPatient(t)
		p.setDatabase("statement_timeout", "2min")
		for _, f := range p.report().Findings {
			if f.Check == "postgres.statement_timeout" {
				t.Errorf("%+v", f)
			}
		}
	})
}

func TestDoctorLooksAtTheSchema(t *testing.T) {
	t.Parallel()
	t.Run("WithoutMigrations", func(t *testing.T) {
		t.Parallel()
		p := newPatient(t)
		p.url = pgtest.Empty(t)
		p.open()
		expect(t, p.report(), "postgres.migrations", doctor.Fail, "postrider migrate up")
	})
	t.Run("PartitionsThatEnd", func(t *testing.T) {
		t.Parallel()
		p := newPatient(t)
		expect(t, p.report(), "postgres.partitions", doctor.OK, "")
		day := func(d int) string { return time.Now().UTC().AddDate(0, 0, d).Format("20060102") }
		p.exec("DROP TABLE deliveries_p" + day(3))
		expect(t, p.report(), "postgres.partitions", doctor.Warn, "")
		p.exec("DROP TABLE attempts_p" + day(0))
		expect(t, p.report(), "postgres.partitions", doctor.Fail, "")
	})
	t.Run("UnreadableSecrets", func(t *testing.T) {
		t.Parallel()
		p := newPatient(t)
		p.exec(`INSERT INTO workspaces (id, name) VALUES ('w', 'W');
			INSERT INTO endpoints (id, workspace_id, url, events, secret, version) VALUES (gen_random_uuid(), 'w', 'https://a.example', '{*}', '\x0102030405', 1)`)
		f := found(t, p.report(), "secrets.stored")
		if f.Level != doctor.Fail || !strings.Contains(f.Found, "1 endpoints") {
			t.Errorf("%+v", f)
		}
		p.exec("UPDATE endpoints SET deleted_at = now(), secret = NULL")
		expect(t, p.report(), "secrets.stored", doctor.OK, "")
	})
}

func TestDoctorKnowsAPooler(t *testing.T) {
	t.Parallel()
	p := newPatient(t)
	expect(t, p.report(), "postgres.pooler", doctor.OK, "")
	server := p.db
	p.url = pgtest.NewPooler(t, p.url, nil).Through(p.url)
	p.open()
	r := p.report()
	expect(t, r, "postgres.pooler", doctor.Warn, "POSTRIDER_POSTGRES_DIRECT_URL=<the server itself>")
	for _, f := range r.Findings {
		if f.Check == "postgres.plan_cache_mode" {
			t.Errorf("what does not matter through a pooler: %+v", f)
		}
	}
	p.direct = p.db
	if f := found(t, p.report(), "postgres.direct_url"); f.Level != doctor.Fail || !strings.Contains(f.Found, "a pooler answers") {
		t.Errorf("a pooler as the way past it: %+v", f)
	}
	p.direct = server
	r = p.report()
	expect(t, r, "postgres.direct_url", doctor.OK, "")
	expect(t, r, "postgres.pooler", doctor.OK, "")
}

func TestDoctorLooksAtAReplica(t *testing.T) {
	t.Parallel()
	primary, other := stack.BarePostgres(t, nil), stack.BarePostgres(t, nil)
	must(t, postgres.Migrate(t.Context(), primary.URL))
	p := newPatient(t)
	p.url = primary.URL
	p.open()
	wants := func(url, says string) {
		t.Helper()
		p.replica = url
		if f := found(t, p.report(), "postgres.replica_url"); f.Level != doctor.Warn || !strings.Contains(f.Found, says) {
			t.Errorf("%+v, want %q", f, says)
		}
	}
	wants(primary.URL, "no standby")
	wants(other.Standby(t).URL, "a replica of another server")
	wants("postgres://127.0.0.1:1/nobody", "not available")
	p.replica = primary.Standby(t).URL
	expect(t, p.report(), "postgres.replica_url", doctor.OK, "")
}

// asRole has the processes be somebody with rights of its own.
func (p *patient) asRole(role string) {
	p.t.Helper()
	p.exec("CREATE ROLE " + role + " LOGIN")
	p.t.Cleanup(func() {
		p.db.Close()
		p.exec("REASSIGN OWNED BY " + role + " TO CURRENT_USER; DROP OWNED BY " + role + "; DROP ROLE " + role)
	})
	u, err := url.Parse(p.url)
	must(p.t, err)
	u.User = url.User(role)
	if q := u.Query(); q.Has("user") {
		q.Set("user", role)
		u.RawQuery = q.Encode()
	}
	p.url = u.String()
	p.open()
}

func TestDoctorLooksAtRights(t *testing.T) {
	t.Parallel()
	p := newPatient(t)
	role := "doctor_" + strings.ToLower(t.Name()[len(t.Name())-3:]) + time.Now().Format("150405000000")
	p.asRole(role)
	texts := func() (all string) {
		for _, f := range p.report().Findings {
			if f.Check == "postgres.rights" {
				all += string(f.Level) + " " + f.Setting + "\n"
			}
		}
		return all
	}
	want := "fail GRANT CREATE ON SCHEMA public TO " + role + "\n" +
		"fail GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO " + role + "\n" +
		"fail ALTER TABLE attempts OWNER TO " + role + "\n"
	// It may not even read which migrations there are.
	p.exec("GRANT SELECT ON goose_db_version TO " + role)
	if got := texts(); got != want {
		t.Errorf("without any: %s", got)
	}
	p.exec("GRANT CREATE ON SCHEMA public TO " + role + "; GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO " + role)
	if got := texts(); got != "fail ALTER TABLE attempts OWNER TO "+role+"\n" {
		t.Errorf("when it has what was said: %s", got)
	}
	p.exec("DO $$ DECLARE t regclass; BEGIN FOR t IN SELECT oid FROM pg_class WHERE relname ~ '^(events|deliveries|attempts)(_p[0-9]+)?$' LOOP EXECUTE format('ALTER TABLE %s OWNER TO " + role + "', t); END LOOP; END $$")
	if got := texts(); got != "ok \n" {
		t.Errorf("when it owns the days: %s", got)
	}
	p.exec("ALTER ROLE " + role + " CONNECTION LIMIT 20")
	expect(t, p.report(), "postgres.max_connections", doctor.Fail, "ALTER ROLE "+role+" CONNECTION LIMIT -1")
	// Advice that is followed cures: the role can make partitions.
	must(t, p.db.EnsurePartitions(context.Background(), time.Now().AddDate(0, 0, 20), 1))
}

func TestDoctorLooksAtDeadRows(t *testing.T) {
	t.Parallel()
	p := newPatient(t)
	p.exec("ALTER TABLE workers SET (autovacuum_enabled = off)")
	expect(t, p.report(), "postgres.bloat", doctor.Warn, "ALTER TABLE workers RESET (autovacuum_enabled)")
	p.exec("ALTER TABLE workers RESET (autovacuum_enabled); ALTER TABLE leases SET (autovacuum_enabled = off)")
	p.exec("INSERT INTO leases SELECT i::text, 'x', 1, now() FROM generate_series(1, 60000) i; DELETE FROM leases")
	deadline := time.Now().Add(20 * time.Second)
	for range time.Tick(100 * time.Millisecond) { // statistics come when they come
		for _, f := range p.report().Findings {
			if f.Setting == "VACUUM (ANALYZE) leases" && f.Level == doctor.Warn {
				return
			}
		}
		if time.Now().After(deadline) {
			t.Fatal("60,000 dead rows are not seen")
		}
	}
}

func TestDoctorGoesOnWithoutPostgres(t *testing.T) {
	t.Parallel()
	p := newPatient(t)
	p.url = "postgres://u:hunter2@127.0.0.1:1/x"
	p.open()
	r := p.report()
	f := found(t, r, "postgres.connection")
	if f.Level != doctor.Fail || strings.Contains(f.Found, "hunter2") || f.Advice == "" {
		t.Errorf("%+v", f)
	}
	expect(t, r, "redis.connection", doctor.OK, "")
}
