package doctor_test

import (
	"context"
	"errors"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/postrider/postrider/internal/doctor"
	"github.com/postrider/postrider/internal/egress"
	"github.com/postrider/postrider/internal/local"
	"github.com/postrider/postrider/internal/pgtest"
	"github.com/postrider/postrider/internal/postgres"
	"github.com/postrider/postrider/internal/queue"
	"github.com/postrider/postrider/internal/redistest"
	"github.com/postrider/postrider/internal/webhook"
)

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

const goodAdminKey = "f3c1Zt0Qk6y8mB2xW9vR4sL7pN5dH1gJ"

func goodKey() []byte {
	key := make([]byte, 32)
	for i := range key {
		key[i] = byte(200 + i)
	}
	return key
}

// patient is a deployment that somebody looks at.
type patient struct {
	t        *testing.T
	url      string // of Postgres
	redisURL string
	shards   webhook.Shards
	keys     [][]byte
	cfg      doctor.Config
	resolver doctor.Resolver
	db       *postgres.DB
	direct   *postgres.DB // past a pooler, or nil
	replica  string       // its URL, or ""
}

// newPatient has a database of its own with the whole schema. The server is the
// tests' own, which syncs nothing.
func newPatient(t *testing.T) *patient {
	t.Helper()
	p := &patient{t: t, url: pgtest.New(t), redisURL: "redis://" + redistest.New(t).Addr(), keys: [][]byte{goodKey()}, resolver: names{}}
	p.open()
	must(t, p.db.EnsurePartitions(t.Context(), time.Now().AddDate(0, 0, -1), 16))
	p.cfg = doctor.Config{AdminKey: goodAdminKey, DevAdminKey: "dev", PoolSize: 16}
	return p
}

func (p *patient) open() {
	p.t.Helper()
	db, err := postgres.Open(context.Background(), postgres.Config{URL: p.url, Keys: p.keys, MaxConns: 1})
	must(p.t, err)
	p.t.Cleanup(db.Close)
	p.db = db
}

// exec runs a statement as somebody who may do anything.
func (p *patient) exec(sql string) {
	p.t.Helper()
	cfg, err := pgx.ParseConfig(os.Getenv(pgtest.Env))
	must(p.t, err)
	own, err := pgx.ParseConfig(p.url)
	must(p.t, err)
	if cfg.Database = own.Database; cfg.Host != own.Host {
		cfg = own // a server of this process's own
	}
	ctx := context.WithoutCancel(p.t.Context()) // cleaning up comes after its end
	conn, err := pgx.ConnectConfig(ctx, cfg)
	must(p.t, err)
	defer conn.Close(ctx)
	_, err = conn.Exec(ctx, sql)
	must(p.t, err)
}

// setDatabase changes a setting for the database's new sessions.
func (p *patient) setDatabase(name, value string) {
	p.t.Helper()
	p.exec("DO $$ BEGIN EXECUTE format('ALTER DATABASE %I SET " + name + " = ''" + value + "''', current_database()); END $$")
	p.open()
}

func (p *patient) report() doctor.Report {
	p.t.Helper()
	redis, err := queue.Open(queue.Config{URL: p.redisURL, Shards: p.shards})
	must(p.t, err)
	defer redis.Close()
	p.cfg.Keys = p.keys
	deps := doctor.Deps{
		Postgres: postgres.NewDoctor(p.db), Redis: redis, Resolver: p.resolver,
		Egress: egress.NewPolicy(egress.Config{Allow: p.cfg.Allow, Resolver: p.resolver.(egress.Resolver)}),
	}
	if p.direct != nil {
		deps.Direct = p.direct.PingSession
	}
	if p.replica != "" {
		r, err := postgres.NewReplica(p.t.Context(), p.db, p.replica, postgres.ReplicaConfig{MaxConns: 1})
		must(p.t, err)
		defer r.Close()
		deps.Replica = r.CheckNow
	}
	return doctor.New(deps, p.cfg).Run(p.t.Context())
}

// found is the worst finding of a check.
func found(t *testing.T, r doctor.Report, check string) doctor.Finding {
	t.Helper()
	var worst *doctor.Finding
	rank := []doctor.Level{doctor.OK, doctor.Warn, doctor.Fail}
	for i, f := range r.Findings {
		if f.Check == check && (worst == nil || slices.Index(rank, f.Level) > slices.Index(rank, worst.Level)) {
			worst = &r.Findings[i]
		}
	}
	if worst == nil {
		t.Fatalf("nothing is said of %s: %+v", check, r.Findings)
	}
	return *worst
}

func expect(t *testing.T, r doctor.Report, check string, level doctor.Level, setting string) {
	t.Helper()
	if f := found(t, r, check); f.Level != level || f.Setting != setting {
		t.Errorf("%s: %+v, want %s and %q", check, f, level, setting)
	}
}

// names are all there is in DNS.
type names map[string]string

func (n names) LookupNetIP(_ context.Context, _, host string) ([]netip.Addr, error) {
	addr, err := netip.ParseAddr(n[host])
	if err != nil {
		return nil, errors.New("no such name")
	}
	return []netip.Addr{addr}, nil
}

// server is a Postgres with settings of its own, which syncs unless they say otherwise.
func server(t *testing.T, settings map[string]string) string {
	t.Helper()
	ctx := t.Context()
	bin, err := local.FindPostgres(ctx, local.Options{Output: os.Stderr})
	must(t, err)
	dir, err := os.MkdirTemp("", "pr-doctor-")
	must(t, err)
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	must(t, os.Chmod(dir, 0o755))
	p, err := local.StartPostgres(ctx, bin, local.PostgresConfig{DataDir: filepath.Join(dir, "data"), Settings: settings})
	must(t, err)
	t.Cleanup(func() { must(t, p.Stop(context.Background())) })
	must(t, postgres.Migrate(ctx, p.DSN("")))
	return p.DSN("")
}
