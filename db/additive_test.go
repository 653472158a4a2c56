package db_test

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"
)

// hot are the tables that every event writes to: nothing may hold them for long.
var hot = []string{"EVENTS", "EVENT_IDS", "DELIVERIES", "ATTEMPTS"}

const (
	name    = `("?[A-Z_0-9]+"?)`
	ifNot   = `(?:IF NOT EXISTS )?`
	maxLock = 5 * time.Second
)

var (
	createTable = regexp.MustCompile(`^CREATE TABLE ` + ifNot + name)
	createIndex = regexp.MustCompile(`^CREATE (UNIQUE )?INDEX (CONCURRENTLY )?` + ifNot + name + ` ON (ONLY )?` + name)
	alterTable  = regexp.MustCompile(`^ALTER TABLE (?:IF EXISTS )?(?:ONLY )?` + name + ` (.*)$`)
	addColumn   = regexp.MustCompile(`^ADD (?:COLUMN )?` + ifNot + name + ` (.*)$`)
	harmless    = regexp.MustCompile(`^(COMMENT ON|CREATE (OR REPLACE )?(FUNCTION|VIEW)|CREATE TYPE|INSERT INTO) `)
	lockTime    = regexp.MustCompile(`^SET (?:LOCAL )?LOCK_TIMEOUT (?:=|TO) '([^']+)'$`)
	// A default of another kind is worked out for each row, which rewrites the table.
	fixedDefault = regexp.MustCompile(`DEFAULT ('[^']*'|-?[0-9.]+|TRUE|FALSE|NULL|NOW\(\)|CURRENT_TIMESTAMP)`)
	wantsMore    = regexp.MustCompile(`\b(UNIQUE|PRIMARY KEY|REFERENCES|GENERATED|(BIG|SMALL)?SERIAL)\b`)
)

// schema is what migrations have made so far.
type schema map[string]bool

// objections are the reasons why a migration may not run while the release before
// serves: what is not known to be additive is not. The tables that it makes itself
// are its own business, and join the others at its end.
func (s schema) objections(up string, alone bool) (all []string) {
	own := schema{}
	for _, st := range statements(up) {
		if m := createTable.FindStringSubmatch(st.text); m != nil && !strings.Contains(st.text, " PARTITION OF ") {
			own[m[1]] = true
			continue
		}
		if why := s.objection(st.text, own, alone); why != "" && st.excuse == "" {
			all = append(all, fmt.Sprintf("%s: %s", why, st.text))
		}
	}
	for table := range own {
		s[table] = true
	}
	return all
}

func (s schema) objection(text string, own schema, alone bool) string {
	if m := lockTime.FindStringSubmatch(text); m != nil {
		if d, err := time.ParseDuration(m[1]); err != nil || d <= 0 || d > maxLock {
			return fmt.Sprintf("waits for locks longer than %s, and everybody behind it", maxLock)
		}
		return ""
	}
	if m := createIndex.FindStringSubmatch(text); m != nil {
		return indexObjection(m[5], m[1] != "", m[2] != "", m[4] != "", own, alone)
	}
	if m := alterTable.FindStringSubmatch(text); m != nil {
		return alterObjection(m[1], m[2], own)
	}
	if harmless.MatchString(text) {
		return ""
	}
	return "is not known to be additive"
}

func indexObjection(table string, unique, concurrently, only bool, own schema, alone bool) string {
	switch {
	case own[table]:
		return ""
	case unique:
		return "refuses what the release before may write"
	case concurrently && !alone:
		return "needs -- +goose NO TRANSACTION"
	case slices.Contains(hot, table) && !concurrently && !only:
		return "keeps writers out while it is built: make it ON ONLY, and CONCURRENTLY on each partition"
	}
	return ""
}

func alterObjection(table, actions string, own schema) string {
	if own[table] {
		return ""
	}
	for _, action := range parts(actions) {
		m := addColumn.FindStringSubmatch(action)
		if m == nil || slices.Contains([]string{"CONSTRAINT", "CHECK", "FOREIGN", "UNIQUE", "PRIMARY"}, m[1]) {
			return "changes what the release before knows"
		}
		if why := columnObjection(table, m[2]); why != "" {
			return why
		}
	}
	return ""
}

func columnObjection(table, column string) string {
	hasDefault := strings.Contains(column, "DEFAULT ")
	switch {
	case strings.Contains(column, "NOT NULL") && !hasDefault:
		return "is NOT NULL without a default, which the release before does not give"
	case hasDefault && !fixedDefault.MatchString(column):
		return "has a default that rewrites the table"
	case wantsMore.MatchString(column):
		return "refuses what the release before may write, or rewrites the table"
	case strings.Contains(column, "CHECK") && slices.Contains(hot, table):
		return "reads the whole table under a lock: add the check NOT VALID and validate it later"
	}
	return ""
}
