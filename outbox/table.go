package outbox

import (
	"errors"
	"fmt"
	"strings"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

// Table is an outbox by its table's name, which may have a schema's before a dot. The
// part after it has at most 48 bytes, for other names are made of it.
type Table string

// DefaultTable is where events wait.
const DefaultTable Table = "postrider_outbox"

const maxName = 48

func (t Table) check() error {
	parts := strings.Split(string(t), ".")
	name := parts[len(parts)-1]
	if len(parts) > 2 || parts[0] == "" || name == "" || len(name) > maxName || strings.ContainsRune(string(t), 0) {
		return fmt.Errorf("outbox: %q is no table's name: it has to be a name of at most %d bytes, or a schema's, a dot and that", string(t), maxName)
	}
	return nil
}

// quoted is the name as SQL has it, with a suffix.
func (t Table) quoted(suffix string) string {
	return pgx.Identifier(strings.Split(string(t)+suffix, ".")).Sanitize()
}

// local is quoted without the schema, as an index is named.
func (t Table) local(suffix string) string {
	_, name, found := strings.Cut(string(t), ".")
	if !found {
		name = string(t)
	}
	return pgx.Identifier{name + suffix}.Sanitize()
}

// sql fills the table's names into a statement. {oid} is the number of the table, the
// same however its name is spelt.
func (t Table) sql(statement string) string {
	return strings.NewReplacer(
		"{table}", t.quoted(""), "{relay}", t.quoted("_relay"),
		"{oid}", "'"+strings.ReplaceAll(t.quoted(""), "'", "''")+"'::regclass::oid",
	).Replace(statement)
}

// explained says what to do where the table is missing.
func (t Table) explained(err error) error {
	var pg *pgconn.PgError
	if errors.As(err, &pg) && pg.Code == "42P01" { // undefined_table
		return fmt.Errorf("the outbox's tables are missing: call outbox.Migrate or apply outbox.Schema for %q: %w", string(t), err)
	}
	return err
}
