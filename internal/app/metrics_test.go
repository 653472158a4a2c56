package app

import (
	"cmp"
	"flag"
	"fmt"
	"log/slog"
	"maps"
	"os"
	"slices"
	"strings"
	"testing"

	dto "github.com/prometheus/client_model/go"

	"github.com/postrider/postrider/internal/config"
)

var update = flag.Bool("update", false, "write the tables of docs/metrics.md")

const (
	metricsPage = "../../docs/metrics.md"
	tablesStart = "<!-- made by `make metrics-docs` -->\n"
)

// shown is a metric as the page has it.
type shown struct {
	kind, help string
	labels     map[string]map[string]bool // values by name
	roles      []string
}

// TestMetricsPage: the page lists what each role has from its start, before it is
// connected to anything, and nothing else.
func TestMetricsPage(t *testing.T) {
	t.Parallel()
	all := map[string]*shown{}
	for _, role := range []config.Role{config.RoleAPI, config.RoleWorker, config.RoleScheduler} {
		for _, f := range families(t, role) {
			if !strings.HasPrefix(f.GetName(), "postrider_") {
				continue // the Go runtime's and the process's
			}
			m := all[f.GetName()]
			if m == nil {
				m = &shown{kind: strings.ToLower(f.GetType().String()), help: f.GetHelp(), labels: map[string]map[string]bool{}}
				all[f.GetName()] = m
			}
			m.add(string(role), f)
		}
	}
	page, err := os.ReadFile(metricsPage)
	if err != nil {
		t.Fatal(err)
	}
	head, _, ok := strings.Cut(string(page), tablesStart)
	if !ok {
		t.Fatalf("%s has no line %q", metricsPage, tablesStart)
	}
	want := head + tablesStart + tables(all)
	if *update {
		if err := os.WriteFile(metricsPage, []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if string(page) != want {
		t.Errorf("%s is not what the processes have: make metrics-docs", metricsPage)
	}
}

// TestMetricsOfAllRolesInOneProcess: dev has one registry for all of them.
func TestMetricsOfAllRolesInOneProcess(t *testing.T) {
	t.Parallel()
	if n := len(families(t, config.RoleAPI, config.RoleWorker, config.RoleScheduler)); n < 50 {
		t.Errorf("%d metrics", n)
	}
}

func families(t *testing.T, roles ...config.Role) []*dto.MetricFamily {
	t.Helper()
	cfg := load(t, config.RoleAPI, "127.0.0.1:0", "127.0.0.1:0")
	cfg.Metrics.Endpoints = 1
	cfg.Postgres.ReplicaURL = cfg.Postgres.URL
	a, err := New(t.Context(), cfg, slog.New(slog.DiscardHandler), roles...)
	if err != nil {
		t.Fatal(err)
	}
	defer a.Stop(t.Context())
	found, err := a.registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	return found
}

func (m *shown) add(role string, f *dto.MetricFamily) {
	m.roles = append(m.roles, role)
	for _, series := range f.GetMetric() {
		for _, label := range series.GetLabel() {
			values := m.labels[label.GetName()]
			if values == nil {
				values = map[string]bool{}
				m.labels[label.GetName()] = values
			}
			values[label.GetValue()] = true
		}
	}
}

func tables(all map[string]*shown) string {
	var out strings.Builder
	section := ""
	for _, name := range slices.Sorted(maps.Keys(all)) {
		if s := strings.SplitN(name, "_", 3)[1]; s != section {
			section = s
			fmt.Fprintf(&out, "\n### %s\n\n| metric | type | labels | exported by | meaning |\n| --- | --- | --- | --- | --- |\n", section)
		}
		m := all[name]
		fmt.Fprintf(&out, "| `%s` | %s | %s | %s | %s |\n", name, m.kind, m.labelText(), m.exporters(), m.help)
	}
	return out.String()
}

// manyValues of a label are not listed.
const manyValues = 12

func (m *shown) labelText() string {
	var texts []string
	for _, name := range slices.Sorted(maps.Keys(m.labels)) {
		values := slices.Sorted(maps.Keys(m.labels[name]))
		text := "`" + name + "`"
		if len(values) <= manyValues && !slices.Contains([]string{"version", "goversion", "endpoint_id"}, name) {
			for i, v := range values {
				values[i] = cmp.Or(v, "(none)")
			}
			text += " " + strings.Join(values, ", ")
		}
		texts = append(texts, text)
	}
	return strings.Join(texts, "; ")
}

func (m *shown) exporters() string {
	switch {
	case strings.HasSuffix(m.help, "Set by the leader.") || strings.HasSuffix(m.help, "as the leader sees it."):
		return "the leading scheduler"
	case len(m.roles) == 3:
		return "all"
	default:
		return strings.Join(m.roles, ", ")
	}
}
