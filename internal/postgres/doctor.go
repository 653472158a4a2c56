package postgres

import (
	"context"
	"fmt"
	"io/fs"
	"regexp"
	"slices"
	"strings"
	"time"

	migrations "github.com/postrider/postrider/db"
	"github.com/postrider/postrider/internal/doctor/facts"
	"github.com/postrider/postrider/internal/postgres/internal/dbsqlc"
)

// Doctor answers what postrider doctor asks. It changes nothing.
type Doctor struct{ db *DB }

// NewDoctor asks on a DB's connections.
func NewDoctor(db *DB) *Doctor { return &Doctor{db} }

// Hosts are where postgres.url leads to; a socket's directory is none.
func (d *Doctor) Hosts() []string {
	cfg := d.db.pool.Config().ConnConfig
	hosts := []string{cfg.Host}
	for _, f := range cfg.Fallbacks {
		hosts = append(hosts, f.Host)
	}
	slices.Sort(hosts)
	return slices.DeleteFunc(slices.Compact(hosts), func(h string) bool { return strings.HasPrefix(h, "/") })
}

// Server is what can be told of a server whether it has our schema or not.
func (d *Doctor) Server(ctx context.Context, settings []string) (facts.Postgres, error) {
	before := time.Now()
	s, err := d.db.q.DoctorServer(ctx)
	if err != nil {
		return facts.Postgres{}, fmt.Errorf("ask postgres about itself: %w", available(err))
	}
	after := time.Now()
	values, err := d.db.q.DoctorSettings(ctx, settings)
	if err != nil {
		return facts.Postgres{}, fmt.Errorf("ask postgres for its settings: %w", available(err))
	}
	took, err := d.roundTrip(ctx)
	if err != nil {
		return facts.Postgres{}, err
	}
	out := facts.Postgres{
		Version: int(s.VersionNum), VersionText: s.Version, Role: s.Role, Database: s.Database, Schema: s.Schema,
		Encoding: s.Encoding, Standby: s.Standby, Pooled: d.db.Pooled(), RoundTrip: took, Ahead: ahead(s.Now.Time, before, after),
		Connections: int(s.Connections), RoleLimit: int(s.RoleLimit), DatabaseLimit: int(s.DatabaseLimit),
		Replicas: int(s.Replicas), FrozenAge: s.FrozenAge, Settings: make(map[string]string, len(values)),
	}
	for _, v := range values {
		out.Settings[v.Name] = v.Value
	}
	return out, d.rest(ctx, &out)
}

// roundTrip is what a question costs that reads no table, on a connection that is there.
func (d *Doctor) roundTrip(ctx context.Context) (time.Duration, error) {
	began := time.Now()
	_, err := d.db.q.ReadOnly(ctx)
	return time.Since(began), available(err)
}

// ahead is how far a clock that said theirs between two moments of ours is ahead;
// 0 where it may have been any of them.
func ahead(theirs, from, to time.Time) time.Duration {
	switch {
	case theirs.Before(from):
		return theirs.Sub(from)
	case theirs.After(to):
		return theirs.Sub(to)
	}
	return 0
}

func (d *Doctor) rest(ctx context.Context, out *facts.Postgres) error {
	h, err := d.db.q.DoctorHolders(ctx)
	if err != nil {
		return fmt.Errorf("ask postgres for open transactions: %w", available(err))
	}
	out.OldestTransaction, out.OldestPrepared, out.IdleSlots = lasted(h.TransactionS), lasted(h.PreparedS), int(h.IdleSlots)
	if out.Schema == "" {
		return nil
	}
	if out.MayCreate, err = d.db.q.DoctorMayCreate(ctx); err != nil {
		return fmt.Errorf("ask postgres for rights: %w", available(err))
	}
	out.Tables, err = d.tables(ctx)
	return err
}

func lasted(s float64) time.Duration { return time.Duration(s * float64(time.Second)) }

func (d *Doctor) tables(ctx context.Context) ([]facts.Table, error) {
	names, err := schemaTables()
	if err != nil {
		return nil, err
	}
	rows, err := d.db.q.DoctorTables(ctx, names)
	if err != nil {
		return nil, fmt.Errorf("ask postgres for our tables: %w", available(err))
	}
	out := make([]facts.Table, 0, len(rows)+len(names))
	for _, r := range rows {
		out = append(out, facts.Table{
			Name: r.Name, Owned: r.Owned, Usable: r.Usable, Unvacuumed: r.Unvacuumed, Live: r.Live, Dead: r.Dead,
		})
	}
	for _, name := range names {
		if !slices.ContainsFunc(rows, func(r dbsqlc.DoctorTablesRow) bool { return r.Name == name }) {
			out = append(out, facts.Table{Name: name, Missing: true})
		}
	}
	return out, nil
}

var createTable = regexp.MustCompile(`(?m)^CREATE TABLE (?:IF NOT EXISTS )?([a-z_]+)`)

// schemaTables are those that the migrations make, so that none is forgotten here.
func schemaTables() ([]string, error) {
	files, err := fs.Glob(migrations.Schema, "schema/*.sql")
	if err != nil {
		return nil, err
	}
	var names []string
	for _, file := range files {
		text, err := migrations.Schema.ReadFile(file)
		if err != nil {
			return nil, err
		}
		for _, m := range createTable.FindAllSubmatch(text, -1) {
			names = append(names, string(m[1]))
		}
	}
	slices.Sort(names)
	return slices.Compact(names), nil
}

// Schema is how far migrations and partitions are.
func (d *Doctor) Schema(ctx context.Context, now time.Time) (facts.Schema, error) {
	missing, err := d.db.MissingMigration(ctx)
	if err != nil {
		return facts.Schema{}, err
	}
	days, err := d.db.PartitionDays(ctx)
	if err != nil {
		return facts.Schema{}, err
	}
	today := now.UTC().Truncate(24 * time.Hour)
	out := facts.Schema{MissingMigration: missing, None: len(days) == 0, Today: slices.ContainsFunc(days, today.Equal)}
	for slices.ContainsFunc(days, today.AddDate(0, 0, out.DaysAhead+1).Equal) {
		out.DaysAhead++
	}
	return out, nil
}

// Fleet is what runs now, and whether it can read the secrets that are stored.
func (d *Doctor) Fleet(ctx context.Context) (facts.Fleet, error) {
	workers, err := d.db.q.LiveWorkers(ctx)
	if err != nil {
		return facts.Fleet{}, fmt.Errorf("count workers: %w", available(err))
	}
	out := facts.Fleet{Workers: int(workers)}
	if out.Leads, err = d.db.q.DoctorLeader(ctx); err != nil {
		return out, fmt.Errorf("look for a scheduler: %w", available(err))
	}
	known := make([][]byte, 0, len(d.db.seal.aeads))
	for id := range d.db.seal.aeads {
		known = append(known, id[:])
	}
	if len(known) == 0 { // what there is to say of that is said of the configuration
		return out, nil
	}
	unreadable, err := d.db.q.DoctorUnreadable(ctx, known)
	out.UnreadableSecrets = int(unreadable)
	if err != nil {
		return out, fmt.Errorf("count secrets: %w", available(err))
	}
	return out, nil
}

// Receivers are the URLs of active endpoints, the newest first.
func (d *Doctor) Receivers(ctx context.Context, most int) ([]string, error) {
	urls, err := d.db.q.DoctorReceivers(ctx, int32(most))
	if err != nil {
		return nil, fmt.Errorf("list receivers: %w", available(err))
	}
	return urls, nil
}
