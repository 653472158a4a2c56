package db_test

import (
	"io/fs"
	"strings"
	"testing"

	"github.com/postrider/postrider/db"
)

// TestMigrations goes through whatever is in schema/: a new migration is tested by
// being there. That one really runs under an older build is test/e2e's to show.
func TestMigrationsAreAdditive(t *testing.T) {
	t.Parallel()
	files, err := fs.Glob(db.Schema, "schema/*.sql") // sorted
	if err != nil {
		t.Fatal(err)
	}
	seen := schema{}
	for _, file := range files {
		raw, err := fs.ReadFile(db.Schema, file)
		if err != nil {
			t.Fatal(err)
		}
		up, alone := upPart(string(raw))
		if len(statements(up)) == 0 {
			t.Errorf("%s: no statement was found in it", file)
		}
		for _, why := range seen.objections(up, alone) {
			t.Errorf("%s: the release before must run on it, but a statement %s\n"+
				"(if it does, say why in a comment before the statement: -- old release: …)", file, why)
		}
	}
	for _, table := range hot {
		if !seen[table] {
			t.Errorf("no migration makes the table %s", table)
		}
	}
}

func TestObjections(t *testing.T) {
	t.Parallel()
	for sql, want := range map[string]string{
		// What the release before does not notice.
		"CREATE TABLE x (id uuid PRIMARY KEY); CREATE UNIQUE INDEX x_y ON x (id); ALTER TABLE x ADD CHECK (true);": "",
		"ALTER TABLE endpoints ADD COLUMN a text, ADD COLUMN b int NOT NULL DEFAULT 0;":                            "",
		"alter table endpoints add column a text[] not null default '{}';":                                         "",
		"ALTER TABLE deliveries ADD COLUMN a timestamptz NOT NULL DEFAULT now();":                                  "",
		"ALTER TABLE endpoints ADD COLUMN a int CHECK (a IN (1, 2)), ADD COLUMN b numeric(3, 2);":                  "",
		"CREATE INDEX a ON endpoints (id);":                                                                        "",
		"CREATE INDEX a ON ONLY deliveries (id);":                                                                  "",
		"SET LOCAL lock_timeout = '5s';":                                                                           "",
		"CREATE FUNCTION f() RETURNS int LANGUAGE sql AS $$ DROP TABLE a; SELECT 1; $$;":                           "",
		"COMMENT ON TABLE endpoints IS 'DROP; it''s';":                                                             "",
		"-- old release: has not used it since 0.3\nDROP TABLE leases;":                                            "",
		// What it does.
		"DROP TABLE leases;":                                                   "not known to be additive",
		"/* DROP */ TRUNCATE endpoints;":                                       "not known to be additive",
		"UPDATE deliveries SET attempts = 1;":                                  "not known to be additive",
		"CREATE TABLE y (a int); DROP TABLE endpoints;":                        "not known to be additive",
		"CREATE TABLE y PARTITION OF deliveries DEFAULT;":                      "not known to be additive",
		"ALTER TYPE mood ADD VALUE 'x';":                                       "not known to be additive",
		"-- a comment; -- old release is not told\nDROP INDEX deliveries_feed": "not known to be additive",
		"-- old release:\nDROP INDEX deliveries_feed":                          "not known to be additive",
		"-- old release: for the first alone\nDROP TABLE a; DROP TABLE b;":     "not known to be additive",
		"ALTER TABLE endpoints DROP COLUMN url;":                               "changes what the release before knows",
		"ALTER TABLE endpoints ADD COLUMN a text, RENAME COLUMN url TO uri;":   "changes what the release before knows",
		"ALTER TABLE endpoints ALTER COLUMN url SET NOT NULL;":                 "changes what the release before knows",
		"ALTER TABLE endpoints ALTER url TYPE int;":                            "changes what the release before knows",
		"ALTER TABLE endpoints ADD CONSTRAINT c CHECK (url <> '');":            "changes what the release before knows",
		"ALTER TABLE endpoints ADD CHECK (url <> '');":                         "changes what the release before knows",
		"ALTER TABLE endpoints RENAME TO receivers;":                           "changes what the release before knows",
		"ALTER TABLE endpoints ADD COLUMN a text NOT NULL;":                    "NOT NULL without a default",
		"ALTER TABLE endpoints ADD a text, ADD b text NOT NULL;":               "NOT NULL without a default",
		"ALTER TABLE endpoints ADD COLUMN a uuid DEFAULT gen_random_uuid();":   "default that rewrites",
		"ALTER TABLE endpoints ADD COLUMN a text UNIQUE;":                      "refuses what",
		"ALTER TABLE endpoints ADD COLUMN a bigserial;":                        "rewrites the table",
		"ALTER TABLE deliveries ADD COLUMN a int CHECK (a > 0);":               "reads the whole table",
		"CREATE UNIQUE INDEX a ON endpoints (url);":                            "refuses what",
		"CREATE INDEX a ON deliveries (event_type);":                           "keeps writers out",
		"CREATE INDEX CONCURRENTLY a ON endpoints (url);":                      "NO TRANSACTION",
		"SET LOCAL lock_timeout = '1m';":                                       "waits for locks longer",
		"SET lock_timeout TO '0s';":                                            "waits for locks longer",
	} {
		before := schema{"ENDPOINTS": true, "DELIVERIES": true}
		got := strings.Join(before.objections(sql, false), "\n")
		if want == "" && got != "" || !strings.Contains(got, want) {
			t.Errorf("%s\nobjections: %q, want %q", sql, got, want)
		}
	}
}
