package stack

import (
	"context"
	"maps"
	"path/filepath"
	"testing"

	"github.com/postrider/postrider/internal/local"
)

// Postgres is a server of one test, that may be killed and started again. It is
// in a directory of its own: nobody else can take that meanwhile.
type Postgres struct {
	// URL is a database with the schema.
	URL string

	bin    local.Binaries
	cfg    local.PostgresConfig
	server *local.Postgres
}

// NewPostgres starts one.
func NewPostgres(t testing.TB) *Postgres {
	t.Helper()
	return NewPostgresWith(t, nil)
}

// NewPostgresWith starts one with settings of its own.
func NewPostgresWith(t testing.TB, settings map[string]string) *Postgres {
	t.Helper()
	p := BarePostgres(t, settings)
	env := append(CleanEnv(), "POSTRIDER_POSTGRES_URL="+p.URL)
	migrate := Spawn(t, "migrate", Dir(t), env, Program(t, "postrider"), "migrate", "up")
	if code := migrate.ExitCode(t); code != 0 {
		t.Fatalf("migrate up: exit code %d: %s", code, migrate.Said(t))
	}
	return p
}

// BarePostgres starts one whose database has no schema.
func BarePostgres(t testing.TB, settings map[string]string) *Postgres {
	t.Helper()
	bin, err := local.FindPostgres(t.Context(), local.Options{})
	if err != nil {
		t.Fatal(err)
	}
	// Not disposable: a server that does not start again at once would lose all.
	p := &Postgres{bin: bin, cfg: local.PostgresConfig{
		DataDir:  filepath.Join(Dir(t), "data"),
		Settings: map[string]string{"fsync": "off"}, // what is written survives the server, not the machine
	}}
	maps.Copy(p.cfg.Settings, settings)
	p.open(t)
	return p
}

// open starts the server for as long as the test goes on.
func (p *Postgres) open(t testing.TB) {
	t.Helper()
	p.Start(t)
	t.Cleanup(func() {
		if err := p.server.Stop(context.Background()); err != nil {
			t.Error(err)
		}
	})
	p.URL = p.server.DSN("")
}

// Kill ends the server as a crash would. Its children see that on their own, and
// may answer for a moment longer.
func (p *Postgres) Kill(t testing.TB) {
	t.Helper()
	if err := p.server.Kill(context.Background()); err != nil {
		t.Fatal(err)
	}
}

// Stop asks the server to end at once, whoever is connected, and in order.
func (p *Postgres) Stop(t testing.TB) {
	t.Helper()
	if err := p.server.Stop(context.Background()); err != nil {
		t.Fatal(err)
	}
}

// Start brings the server back with all that was committed.
func (p *Postgres) Start(t testing.TB) {
	t.Helper()
	server, err := local.StartPostgres(t.Context(), p.bin, p.cfg)
	if err != nil {
		t.Fatal(err)
	}
	p.server = server
}
