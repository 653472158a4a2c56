package postgres_test

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// hotTables grow with the events. Each has workspace_id, by which they could be spread
// over several servers (docs/scaling-postgres.md).
var hotTables = []string{
	"events", "event_ids", "deliveries", "attempts", "stats_tallies", "stats_rollups", "stats_marks", "ordering_keys", "ordering_queue", "idempotency_keys",
}

// Why a statement names no workspace. None of them is made for each event that is
// accepted or each attempt that is recorded, but for those with ordering keys.
const (
	ofAll      = "the leader's, over all workspaces: what is due, what is lost, figures"
	ofDays     = "retention's, by whole days"
	ofEndpoint = "an endpoint's, which is in one workspace and has an index: jobs, and what is parked"
	ofLine     = "a line's: an endpoint's and an ordering key's"
)

var acrossWorkspaces = map[string]string{
	"CountHeld": ofAll, "DueDeliveries": ofAll, "DueLines": ofAll, "HeldByWorkers": ofAll, "HeldDeliveries": ofAll,
	"NextWorkspaceOf": ofAll, "OldestDue": ofAll, "OldestMark": ofAll, "RaiseBarrier": ofAll, "ReadyMarks": ofAll,
	"TakeMarks": ofAll, "UnmergedHour": ofAll, "Unrolled": ofAll, "KeysAfter": ofAll,
	"FewPending": "what is pending of all workspaces, while that is little",

	"DeleteEventIDs": ofDays, "ExpirePending": ofDays, "RemoveOldKeys": ofDays, "RemoveTallies": ofDays, "RemoveOldRollups": ofDays,

	"CatchUpDeliveries": ofEndpoint, "CountReplayable": ofEndpoint, "FirstDueParked": ofEndpoint, "MissingEvents": ofEndpoint,
	"OldestDueParked": ofEndpoint, "OldestHeld": ofEndpoint, "OldestParked": ofEndpoint, "RecentPending": ofEndpoint,
	"ReplayableDeliveries": ofEndpoint,

	"HeadsOf": ofLine, "LeaveLine": ofLine, "LockTurns": ofLine, "NoteLines": ofLine, "PassTurns": ofLine,
	"RemoveIdleKeys": ofLine, "WaitTurns": ofLine,
}

var (
	hotReference = regexp.MustCompile(`(?i)\b(FROM|JOIN|UPDATE|INTO|USING)\s+(` + strings.Join(hotTables, "|") + `)\b(?:\s+(?:AS\s+)?([a-z_]+))?`)
	noAlias      = []string{"where", "set", "order", "limit", "group", "on", "for", "join", "left", "cross", "select", "values", "using"}
	queryName    = regexp.MustCompile(`(?m)^-- name: (\w+) :\w+$`)
	sqlComment   = regexp.MustCompile(`(?m)--.*$`)
)

// lacking are the references to hot tables in a statement that no workspace narrows:
// an insert has to name the column, and all else has to compare it for equality.
func lacking(sql string) (tables []string) {
	sql = sqlComment.ReplaceAllString(sql, "")
	for _, m := range hotReference.FindAllStringSubmatchIndex(sql, -1) {
		table, alias := sql[m[4]:m[5]], ""
		if m[6] >= 0 && !slices.Contains(noAlias, strings.ToLower(sql[m[6]:m[7]])) {
			alias = sql[m[6]:m[7]]
		}
		if strings.EqualFold(sql[m[2]:m[3]], "INTO") {
			if columns, _, ok := strings.Cut(sql[m[5]:], ")"); !ok || !regexp.MustCompile(`\bworkspace_id\b`).MatchString(columns) {
				tables = append(tables, table)
			}
			continue
		}
		names := `(?:` + table + `\.)?`
		if alias != "" {
			names = alias + `\.`
		}
		equal := regexp.MustCompile(`(?i)(?:^|[\s(])` + names + `workspace_id(?:\s+COLLATE "C")?\s*=|=\s*` + names + `workspace_id\b`)
		if !equal.MatchString(sql) {
			tables = append(tables, table)
		}
	}
	slices.Sort(tables)
	return slices.Compact(tables)
}

// statements are all that are made: those of db/queries by name, and those in the
// program's text by file and number.
func statements(t *testing.T) map[string]string {
	t.Helper()
	all := map[string]string{}
	files, err := filepath.Glob("../../db/queries/*.sql")
	must(t, err)
	for _, file := range files {
		text, err := os.ReadFile(file)
		must(t, err)
		at := queryName.FindAllSubmatchIndex(text, -1)
		for i, m := range at {
			end := len(text)
			if i+1 < len(at) {
				end = at[i+1][0]
			}
			all[string(text[m[2]:m[3]])] = string(text[m[1]:end])
		}
	}
	files, err = filepath.Glob("*.go")
	must(t, err)
	for _, file := range files {
		if strings.HasSuffix(file, "_test.go") {
			continue
		}
		parsed, err := parser.ParseFile(token.NewFileSet(), file, nil, 0)
		must(t, err)
		n := 0
		ast.Inspect(parsed, func(node ast.Node) bool {
			if lit, ok := node.(*ast.BasicLit); ok && lit.Kind == token.STRING {
				text, err := strconv.Unquote(lit.Value)
				must(t, err)
				if n++; hotReference.MatchString(text) {
					all[fmt.Sprintf("%s %d", file, n)] = text
				}
			}
			return true
		})
	}
	return all
}

// TestHotStatementsNameTheirWorkspace: a server that has a part of the workspaces can
// answer each of them alone.
func TestHotStatementsNameTheirWorkspace(t *testing.T) {
	t.Parallel()
	all := statements(t)
	if len(all) < 200 {
		t.Fatalf("only %d statements were found", len(all))
	}
	used := map[string]bool{}
	for _, name := range slices.Sorted(maps.Keys(all)) {
		tables := lacking(all[name])
		if len(tables) == 0 {
			continue
		}
		if used[name] = true; acrossWorkspaces[name] == "" {
			t.Errorf("%s names no workspace for %s", name, strings.Join(tables, ", "))
		}
	}
	for name := range acrossWorkspaces {
		if !used[name] {
			t.Errorf("%s needs no exception", name)
		}
	}
}

func TestLacking(t *testing.T) {
	t.Parallel()
	for sql, want := range map[string]string{
		"SELECT 1 FROM events WHERE workspace_id = $1 AND id = $2":                                        "",
		"SELECT 1 FROM events e WHERE e.workspace_id = ANY($1)":                                           "",
		"SELECT 1 FROM events WHERE id = $2":                                                              "events",
		"SELECT workspace_id FROM events WHERE id = $2 ORDER BY workspace_id":                             "events",
		"SELECT 1 FROM events e JOIN deliveries d ON d.id = e.id WHERE e.workspace_id = $1":               "deliveries",
		"SELECT 1 FROM deliveries d, (SELECT $1 AS workspace_id) u WHERE u.workspace_id = d.workspace_id": "",
		"SELECT 1 FROM deliveries d WHERE d.workspace_id > $1":                                            "deliveries",
		"INSERT INTO attempts (delivery_id, workspace_id) SELECT $1, $2":                                  "",
		"INSERT INTO attempts (delivery_id) SELECT workspace_id":                                          "attempts",
		"UPDATE deliveries d SET task = NULL FROM u WHERE d.workspace_id = u.workspace_id":                "",
		"DELETE FROM event_ids -- of workspace_id = $1\n WHERE id = $1":                                   "event_ids",
		"SELECT 1 FROM workspaces":                                                                        "",
	} {
		if got := strings.Join(lacking(sql), ","); got != want {
			t.Errorf("%s: %q, want %q", sql, got, want)
		}
	}
}

// TestHotKeysHoldTheWorkspace: what is unique is so within a workspace, so that no
// server has to ask another.
func TestHotKeysHoldTheWorkspace(t *testing.T) {
	t.Parallel()
	s := setup(t)
	rows, err := s.raw.Query(t.Context(), `
		SELECT c.relname::text, i.indexrelid::regclass::text FROM pg_index i JOIN pg_class c ON c.oid = i.indrelid
		WHERE c.relname = ANY($1) AND i.indisunique AND NOT EXISTS (
			SELECT FROM pg_attribute a WHERE a.attrelid = c.oid AND a.attnum = ANY(i.indkey) AND a.attname = 'workspace_id')
		ORDER BY 1, 2`, hotTables)
	must(t, err)
	var got []string
	for rows.Next() {
		var table, index string
		must(t, rows.Scan(&table, &index))
		got = append(got, index)
	}
	must(t, rows.Err())
	if !slices.Equal(got, keysWithout) {
		t.Errorf("without workspace_id: %v, want %v", got, keysWithout)
	}
}

// keysWithout are known to lack it; docs/scaling-postgres.md says what that means.
var keysWithout = []string{"ordering_keys_pkey", "ordering_queue_pkey", "stats_marks_pkey"}
