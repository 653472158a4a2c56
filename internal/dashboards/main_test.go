package main

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

const root = "../../"

// TestDashboards: those that are committed are what this package makes, and no others.
func TestDashboards(t *testing.T) {
	t.Parallel()
	const dir = root + "deploy/grafana/dashboards"
	committed, err := filepath.Glob(filepath.Join(dir, "*"))
	if err != nil {
		t.Fatal(err)
	}
	if len(committed) != len(boards()) {
		t.Errorf("%s has %q, and there are %d dashboards", dir, committed, len(boards()))
	}
	for _, b := range boards() {
		want, err := b.encode()
		if err != nil {
			t.Fatal(err)
		}
		got, err := os.ReadFile(filepath.Join(dir, b.uid+".json"))
		if err != nil {
			t.Fatal(err)
		}
		if string(got) != string(want) {
			t.Errorf("%s.json is not what internal/dashboards makes: make dashboards", b.uid)
		}
	}
}

// TestPanels: each says what it shows, fits beside the others, and links to runbooks
// that are there.
func TestPanels(t *testing.T) {
	t.Parallel()
	for _, b := range boards() {
		for _, r := range b.rows {
			for _, p := range r.panels {
				where := b.title + ": " + r.title + ": " + p.title
				if len(p.doc) < 10 || !strings.HasSuffix(p.doc, ".") {
					t.Errorf("%s: the description is %q", where, p.doc)
				}
				if p.unit == "" || len(p.queries) == 0 {
					t.Errorf("%s has no unit or no query", where)
				}
				for _, alert := range p.alerts {
					if _, err := os.Stat(root + "docs/runbooks/" + alert + ".md"); err != nil {
						t.Errorf("%s: %v", where, err)
					}
				}
			}
		}
	}
}

// TestPanelsDoNotOverlap: nor do they leave the grid.
func TestPanelsDoNotOverlap(t *testing.T) {
	t.Parallel()
	type cell struct{ x, y uint32 }
	for _, b := range boards() {
		d, err := b.build()
		if err != nil {
			t.Fatal(err)
		}
		taken := map[cell]string{}
		for _, p := range d.Panels {
			if p.Panel == nil {
				continue
			}
			pos := p.Panel.GridPos
			for x := pos.X; x < pos.X+pos.W; x++ {
				for y := pos.Y; y < pos.Y+pos.H; y++ {
					if other := taken[cell{x, y}]; other != "" || x >= 24 {
						t.Fatalf("%s: %s is on %q, or outside", b.title, *p.Panel.Title, other)
					}
					taken[cell{x, y}] = *p.Panel.Title
				}
			}
		}
	}
}

// TestEveryAlertIsLinked: whoever is woken finds the panel, and the other way.
func TestEveryAlertIsLinked(t *testing.T) {
	t.Parallel()
	raw, err := os.ReadFile(root + "deploy/prometheus/rules/alerts.yml")
	if err != nil {
		t.Fatal(err)
	}
	linked := map[string]bool{}
	for _, b := range boards() {
		for _, r := range b.rows {
			for _, p := range r.panels {
				for _, alert := range p.alerts {
					linked[alert] = true
				}
			}
		}
	}
	found := regexp.MustCompile(`- alert: (\w+)`).FindAllStringSubmatch(string(raw), -1)
	if len(found) == 0 {
		t.Fatal("no alerts")
	}
	for _, m := range found {
		if !linked[m[1]] {
			t.Errorf("no panel links to the runbook of %s", m[1])
		}
	}
}
