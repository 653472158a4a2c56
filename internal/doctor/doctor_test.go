package doctor_test

import (
	"net/netip"
	"testing"
	"time"

	"github.com/postrider/postrider/internal/doctor"
	"github.com/postrider/postrider/internal/postgres"
	"github.com/postrider/postrider/internal/redistest"
)

// A deployment that is as it should be gets no advice: else nobody reads it.
func TestDoctorHasNothingToSayOfAGoodDeployment(t *testing.T) {
	t.Parallel()
	p := newPatient(t)
	p.url = server(t, map[string]string{"max_connections": "120"})
	p.redisURL = "redis://" + redistest.New(t, "--maxmemory", "100mb", "--maxmemory-policy", "noeviction", "--appendonly", "yes").Addr()
	p.resolver = names{"example.com": "93.184.216.34"}
	p.open()
	must(t, p.db.EnsurePartitions(t.Context(), time.Now(), 15))
	_, err := postgres.NewDeliver(p.db, postgres.Breaker{}).Heartbeat(t.Context(), "w", "host")
	must(t, err)
	if _, _, err := postgres.NewLeases(p.db).Acquire(t.Context(), "scheduler", "s", time.Minute); err != nil {
		t.Fatal(err)
	}
	r := p.report()
	for _, f := range r.Findings {
		if f.Level != doctor.OK {
			t.Errorf("%+v", f)
		}
	}
	if r.Status != doctor.OK || len(r.Findings) < 25 {
		t.Errorf("%s after %d looks", r.Status, len(r.Findings))
	}
}

func TestDoctorLooksAtAServersSettings(t *testing.T) {
	t.Parallel()
	p := newPatient(t)
	p.url = server(t, map[string]string{
		"fsync": "off", "full_page_writes": "off", "autovacuum": "off", "track_counts": "off", "max_connections": "40",
		"synchronous_commit": "off",
	})
	p.open()
	r := p.report()
	for _, name := range []string{"fsync", "full_page_writes", "autovacuum", "track_counts", "synchronous_commit"} {
		expect(t, r, "postgres."+name, doctor.Fail, name+" = on")
	}
	expect(t, r, "postgres.max_connections", doctor.Fail, "max_connections = 110")
	if r.Status != doctor.Fail {
		t.Errorf("all in all it is %s", r.Status)
	}
	p.cfg.Processes, p.cfg.PoolSize = 4, 12
	expect(t, p.report(), "postgres.max_connections", doctor.Warn, "max_connections = 60")
}

func TestDoctorLooksAtKeys(t *testing.T) {
	t.Parallel()
	const admin, secrets = "POSTRIDER_API_ADMIN_KEY=$(openssl rand -base64 32)", "POSTRIDER_SECRETS_KEY=$(openssl rand -base64 32)"
	p := newPatient(t)
	for key, level := range map[string]doctor.Level{
		"": doctor.Fail, "dev": doctor.Fail, "hunter2": doctor.Fail, "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa": doctor.Fail, goodAdminKey[:20]: doctor.Warn,
	} {
		p.cfg.AdminKey = key
		expect(t, p.report(), "api.admin_key", level, admin)
	}
	p.cfg.AdminKey = goodAdminKey
	expect(t, p.report(), "api.admin_key", doctor.OK, "")
	for name, tt := range map[string]struct {
		keys    [][]byte
		level   doctor.Level
		setting string
	}{
		"None":     {nil, doctor.Fail, secrets},
		"Zeros":    {[][]byte{make([]byte, 32)}, doctor.Fail, secrets},
		"Text":     {[][]byte{[]byte("0123456789abcdefghijklmnopqrstuv")}, doctor.Warn, secrets},
		"Twice":    {[][]byte{goodKey(), goodKey()}, doctor.Warn, ""},
		"TwoGood":  {[][]byte{goodKey(), append(goodKey()[1:], 7)}, doctor.OK, ""},
		"BadSpare": {[][]byte{goodKey(), make([]byte, 32)}, doctor.Fail, secrets},
	} {
		p.keys = tt.keys
		p.open()
		if f := found(t, p.report(), "secrets.key"); f.Level != tt.level || f.Setting != tt.setting {
			t.Errorf("%s: %+v", name, f)
		}
	}
}

func TestDoctorLooksAtTheWayOut(t *testing.T) {
	t.Parallel()
	p := newPatient(t)
	p.resolver = names{"db.example": "10.0.0.5", "good.example": "93.184.216.34", "private.example": "10.9.9.9"}
	p.cfg.Hosts, p.cfg.Receivers = []string{"db.example"}, []string{"https://good.example/a", "https://good.example/b", "https://nobody.example/"}
	r := p.report()
	expect(t, r, "egress.allow", doctor.OK, "")
	expect(t, r, "egress.policy", doctor.OK, "")
	if f := found(t, r, "egress.dns"); f.Level != doctor.Warn || f.Found != "nobody.example has no address here: deliveries to it fail as dns" {
		t.Errorf("%+v", f)
	}
	p.cfg.Receivers = []string{"https://private.example/"}
	if f := found(t, p.report(), "egress.policy"); f.Level != doctor.Warn {
		t.Errorf("a receiver that is blocked: %+v", f)
	}
	p.cfg.Allow = []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")}
	if f := found(t, p.report(), "egress.policy"); f.Level != doctor.Warn || f.Found != "an endpoint can reach 10.0.0.5, where Postgres or Redis is (db.example)" {
		t.Errorf("%+v", f)
	}
	p.cfg.Allow = []netip.Prefix{netip.MustParsePrefix("0.0.0.0/0")}
	expect(t, p.report(), "egress.allow", doctor.Fail, "")
	p.cfg.Allow = []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}
	expect(t, p.report(), "egress.allow", doctor.Warn, "")
	p.cfg.ProxyHost = "proxy.example"
	expect(t, p.report(), "egress.dns", doctor.Warn, "")
}
