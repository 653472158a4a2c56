package operate

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

func promtool(t *testing.T, stdin string, args ...string) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "promtool", args...)
	cmd.Stdin = strings.NewReader(stdin)
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Errorf("promtool %s: %v\n%s", strings.Join(args, " "), err, out)
	}
}

func TestPromtoolFindsNoFault(t *testing.T) {
	t.Parallel()
	promtool(t, "", append([]string{"check", "rules"}, glob(t, rulesDir+"/*.yml")...)...)
	promtool(t, "", append([]string{"test", "rules"}, glob(t, testsDir+"/*.yml")...)...)
	promtool(t, "", "check", "config", configFile)
}

// TestEveryAlert is tested both ways, and has a page that says what to do.
func TestEveryAlert(t *testing.T) {
	t.Parallel()
	_, alerts := readRules(t)
	tests := string(read(t, testsDir+"/alerts.yml"))
	pages := map[string]bool{"README.md": true}
	for _, a := range alerts {
		if !strings.Contains(tests, "- name: "+a.Alert+" fires\n") || !strings.Contains(tests, "'"+a.Alert+" does not fire") {
			t.Errorf("%s has not a test that it fires and one that it does not", a.Alert)
		}
		if s := a.Labels["severity"]; s != "critical" && s != "warning" {
			t.Errorf("%s has the severity %q", a.Alert, s)
		}
		page := a.Alert + ".md"
		pages[page] = true
		if !strings.HasSuffix(a.Annotations["runbook_url"], "/docs/runbooks/"+page) || a.Annotations["summary"] == "" || a.Annotations["description"] == "" {
			t.Errorf("%s has the annotations %v", a.Alert, a.Annotations)
		}
		text, err := os.ReadFile(filepath.Join(runbookDir, page))
		if err != nil {
			t.Error(err)
			continue
		}
		for _, heading := range []string{"# " + a.Alert + "\n", "\n## What it means\n", "\n## How to look\n", "\n## What to do\n"} {
			if !strings.Contains(string(text), heading) {
				t.Errorf("%s has no heading %q", page, strings.TrimSpace(heading))
			}
		}
	}
	for _, file := range glob(t, runbookDir+"/*.md") {
		if !pages[filepath.Base(file)] {
			t.Errorf("%s is of no alert", file)
		}
	}
}

// TestMonitoringPage: what it shows of Prometheus's configuration can be used.
func TestMonitoringPage(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	rules, err := filepath.Abs(rulesDir)
	if err != nil {
		t.Fatal(err)
	}
	checked := 0
	for _, m := range fence.FindAllStringSubmatch(string(read(t, root+"docs/monitoring.md")), -1) {
		if m[1] != "yaml" {
			continue
		}
		checked++
		file := filepath.Join(dir, "prometheus.yml")
		if err := os.WriteFile(file, []byte(strings.ReplaceAll(m[2], "rules/", rules+"/")), 0o600); err != nil {
			t.Fatal(err)
		}
		promtool(t, "", "check", "config", file)
	}
	if checked == 0 {
		t.Error("it shows none")
	}
}
