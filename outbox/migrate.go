package outbox

import (
	"context"
	"embed"
	"fmt"
	"io/fs"
	"strconv"
	"strings"

	"github.com/jackc/pgx/v5"
)

//go:embed schema/*.sql
var files embed.FS

// Migration is one step of the schema. Where it was made already, its SQL changes
// nothing.
type Migration struct {
	// Version counts from 1. Later releases add versions and change none.
	Version int
	// SQL is one or more statements, for one transaction.
	SQL string
}

// Migrations are [DefaultTable]'s steps, in order; see [Table.Migrations].
func Migrations() []Migration { return DefaultTable.Migrations() }

// Schema is all of [DefaultTable]'s steps; see [Table.Schema].
func Schema() string { return DefaultTable.Schema() }

// Migrate brings [DefaultTable] up to date; see [Table.Migrate].
func Migrate(ctx context.Context, db Beginner) error { return DefaultTable.Migrate(ctx, db) }

// Migrations are the steps that make the table, for tools that keep count of their own:
// one migration there for each of these.
func (t Table) Migrations() []Migration {
	names, err := fs.Glob(files, "schema/*.sql")
	if err != nil {
		panic(err) // a malformed pattern
	}
	var all []Migration
	for _, name := range names {
		version, err := strconv.Atoi(strings.TrimPrefix(name, "schema/")[:5])
		if err != nil {
			panic(err) // a file of ours whose name is wrong
		}
		text, err := files.ReadFile(name)
		if err != nil {
			panic(err) // embedded files can be read
		}
		all = append(all, Migration{version, t.renamed(string(text))})
	}
	return all
}

// renamed puts the table's names in the place of the default's.
func (t Table) renamed(text string) string {
	var pairs []string
	// Longer names first: the shortest is the beginning of all.
	for _, index := range []string{"_waiting", "_failed"} {
		pairs = append(pairs, string(DefaultTable)+index, t.local(index))
	}
	for _, table := range []string{"_relay", ""} {
		pairs = append(pairs, string(DefaultTable)+table, t.quoted(table))
	}
	return strings.NewReplacer(pairs...).Replace(text)
}

// Schema is all of Migrations, one after the other.
func (t Table) Schema() string {
	var all strings.Builder
	for _, m := range t.Migrations() {
		all.WriteString(m.SQL)
	}
	return all.String()
}

// Beginner begins transactions: a *pgxpool.Pool, a *pgx.Conn, or a pgx.Tx.
type Beginner interface {
	Begin(ctx context.Context) (pgx.Tx, error)
}

// Migrate brings the table up to date in one transaction. Call it at each start: what
// was done is not done again, and processes that start at the same time take turns. A
// schema in the table's name has to exist.
func (t Table) Migrate(ctx context.Context, db Beginner) error {
	if err := t.check(); err != nil {
		return err
	}
	err := pgx.BeginFunc(ctx, db, func(tx pgx.Tx) error { return t.migrate(ctx, tx) })
	if err != nil {
		return fmt.Errorf("outbox: migrate %s: %w", t, err)
	}
	return nil
}

func (t Table) migrate(ctx context.Context, tx pgx.Tx) error {
	versions := t.quoted("_migrations")
	// IF NOT EXISTS alone fails where two begin at the same time.
	if _, err := tx.Exec(ctx, "SELECT pg_advisory_xact_lock(hashtextextended($1, 0))", "postrider outbox "+versions); err != nil {
		return err
	}
	if _, err := tx.Exec(ctx, "CREATE TABLE IF NOT EXISTS "+versions+" (version integer PRIMARY KEY, applied_at timestamptz NOT NULL DEFAULT now())"); err != nil {
		return err
	}
	var at int
	if err := tx.QueryRow(ctx, "SELECT coalesce(max(version), 0) FROM "+versions).Scan(&at); err != nil {
		return err
	}
	for _, m := range t.Migrations() {
		if m.Version <= at {
			continue
		}
		// Without arguments these are several statements in one message.
		if _, err := tx.Exec(ctx, m.SQL); err != nil {
			return fmt.Errorf("version %d: %w", m.Version, err)
		}
		if _, err := tx.Exec(ctx, "INSERT INTO "+versions+" (version) VALUES ($1)", m.Version); err != nil {
			return err
		}
	}
	return nil
}
