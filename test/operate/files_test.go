package operate

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"
)

const (
	root       = "../../"
	rulesDir   = root + "deploy/prometheus/rules"
	testsDir   = root + "deploy/prometheus/tests"
	configFile = root + "deploy/prometheus/prometheus.yml"
	boardsDir  = root + "deploy/grafana/dashboards"
	runbookDir = root + "docs/runbooks"
)

// rule is one of deploy/prometheus.
type rule struct {
	Record, Alert, Expr, For string
	Labels, Annotations      map[string]string
}

func readRules(t *testing.T) (recording, alerts []rule) {
	t.Helper()
	for _, file := range glob(t, rulesDir+"/*.yml") {
		var groups struct{ Groups []struct{ Rules []rule } }
		if err := yaml.Unmarshal(read(t, file), &groups); err != nil {
			t.Fatal(err)
		}
		for _, g := range groups.Groups {
			for _, r := range g.Rules {
				if r.Alert != "" {
					alerts = append(alerts, r)
				} else {
					recording = append(recording, r)
				}
			}
		}
	}
	return recording, alerts
}

// panelQuery is one query of one panel.
type panelQuery struct{ where, expr, legend string }

// chosen is what a viewer has chosen: everything, and rates over a minute.
var chosen = strings.NewReplacer("$job", ".+", "$instance", ".+", "$window", "1m")

func readPanels(t *testing.T) (all []panelQuery) {
	t.Helper()
	for _, file := range glob(t, boardsDir+"/*.json") {
		var board struct {
			Title  string
			Panels []struct {
				Title   string
				Targets []struct{ Expr, LegendFormat string }
			}
		}
		if err := json.Unmarshal(read(t, file), &board); err != nil {
			t.Fatal(err)
		}
		for _, p := range board.Panels {
			for _, q := range p.Targets {
				all = append(all, panelQuery{board.Title + ", " + p.Title, chosen.Replace(q.Expr), q.LegendFormat})
			}
		}
	}
	return all
}

func glob(t *testing.T, pattern string) []string {
	t.Helper()
	files, err := filepath.Glob(pattern)
	if err != nil || len(files) == 0 {
		t.Fatalf("%s: %v, %d files", pattern, err, len(files))
	}
	return files
}

func read(t *testing.T, file string) []byte {
	t.Helper()
	raw, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return raw
}
