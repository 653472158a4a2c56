package db_test

import (
	"regexp"
	"strings"
	"unicode"
)

// statement is one of a migration's, in upper case but for what is quoted, with
// single spaces and without comments.
type statement struct {
	text string
	// excuse is the reason that a comment before it gives: "-- old release: …".
	excuse string
}

const excuse = "old release:"

// upPart cuts a goose migration down to what going up runs; alone says that its
// statements run outside of a transaction.
func upPart(migration string) (up string, alone bool) {
	_, up, _ = strings.Cut(migration, "-- +goose Up")
	up, _, _ = strings.Cut(up, "-- +goose Down")
	return up, strings.Contains(migration, "-- +goose NO TRANSACTION")
}

// statements splits SQL at the semicolons that end statements.
func statements(sql string) []statement {
	var all []statement
	var now statement
	var text strings.Builder
	for len(sql) > 0 {
		token, kind := nextToken(sql)
		sql = sql[len(token):]
		switch {
		case kind == comment:
			if _, why, found := strings.Cut(token, excuse); found {
				now.excuse = strings.TrimSpace(strings.TrimRight(why, "*/"))
			}
			text.WriteByte(' ')
		case kind == quoted:
			text.WriteString(token)
		case token == ";":
			now.text = strings.Join(strings.FieldsFunc(text.String(), unicode.IsSpace), " ")
			all = append(all, now)
			now = statement{}
			text.Reset()
		default:
			text.WriteString(strings.ToUpper(token))
		}
	}
	if rest := strings.TrimSpace(text.String()); rest != "" {
		all = append(all, statement{text: rest, excuse: now.excuse})
	}
	return all
}

type tokenKind int

const (
	plain tokenKind = iota
	quoted
	comment
)

var dollarQuote = regexp.MustCompile(`^\$[A-Za-z_0-9]*\$`)

// nextToken is the beginning of sql: a comment, something quoted, or one character.
func nextToken(sql string) (string, tokenKind) {
	switch tag := dollarQuote.FindString(sql); {
	case strings.HasPrefix(sql, "--"):
		return through(sql, 2, "\n"), comment
	case strings.HasPrefix(sql, "/*"):
		return through(sql, 2, "*/"), comment
	case tag != "":
		return through(sql, len(tag), tag), quoted
	case sql[0] == '\'' || sql[0] == '"':
		return through(sql, 1, sql[:1]), quoted // a doubled quote is two strings in a row
	}
	return sql[:1], plain
}

// through is sql up to the end of the first end after from.
func through(sql string, from int, end string) string {
	n := strings.Index(sql[from:], end)
	if n < 0 {
		return sql
	}
	return sql[:from+n+len(end)]
}

// parts splits at commas that are in no parentheses and in no quotes.
func parts(list string) []string {
	var all []string
	depth, start := 0, 0
	for i := 0; i < len(list); {
		token, kind := nextToken(list[i:])
		if kind == plain {
			switch token {
			case "(":
				depth++
			case ")":
				depth--
			case ",":
				if depth == 0 {
					all = append(all, strings.TrimSpace(list[start:i]))
					start = i + 1
				}
			}
		}
		i += len(token)
	}
	return append(all, strings.TrimSpace(list[start:]))
}
