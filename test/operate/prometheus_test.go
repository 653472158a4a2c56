package operate

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"testing"

	"github.com/postrider/postrider/test/e2e/stack"
)

// prometheus is Debian's, which scrapes the processes every second and has
// Postrider's rules.
type prometheus struct{ url string }

// sample is one series of an answer.
type sample struct {
	Labels map[string]string
	Value  float64
}

func startPrometheus(t *testing.T, s *stack.Stack, processes ...*stack.Process) *prometheus {
	t.Helper()
	rules, err := filepath.Abs(rulesDir)
	if err != nil {
		t.Fatal(err)
	}
	config := "global: {scrape_interval: 1s, evaluation_interval: 1s}\nrule_files: [" + rules + "/*.yml]\nscrape_configs:\n"
	for _, p := range processes {
		target, err := url.Parse(p.Health)
		if err != nil {
			t.Fatal(err)
		}
		config += fmt.Sprintf("  - {job_name: postrider-%s, static_configs: [{targets: [%q]}]}\n", p.Name, target.Host)
	}
	file := filepath.Join(s.Dir, "prometheus.yml")
	if err := os.WriteFile(file, []byte(config), 0o600); err != nil {
		t.Fatal(err)
	}
	addr := stack.FreeAddr(t)
	process := stack.Spawn(t, "prometheus", s.Dir, stack.CleanEnv(), "prometheus",
		"--config.file="+file, "--storage.tsdb.path="+filepath.Join(s.Dir, "prometheus"), "--web.listen-address="+addr,
		"--enable-feature=exemplar-storage", "--log.level=warn")
	p := &prometheus{url: "http://" + addr}
	stack.Eventually(t, "Prometheus is ready", func() bool {
		if process.Ended() {
			t.Fatal("Prometheus ended by itself")
		}
		return p.get(t.Context(), "/-/ready", nil, nil) == nil
	})
	return p
}

// get reads an answer's data into out, unless that is nil.
func (p *prometheus) get(ctx context.Context, path string, query url.Values, out any) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, p.url+path+"?"+query.Encode(), nil)
	if err != nil {
		return err
	}
	res, err := (&http.Client{}).Do(req)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	if out == nil {
		if res.StatusCode != http.StatusOK {
			return errors.New(res.Status)
		}
		return nil
	}
	var answer struct {
		Data  json.RawMessage
		Error string
	}
	if err := json.NewDecoder(res.Body).Decode(&answer); err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	if answer.Error != "" {
		return errors.New(answer.Error)
	}
	return json.Unmarshal(answer.Data, out)
}

func (p *prometheus) must(t *testing.T, path string, query url.Values, out any) {
	t.Helper()
	if err := p.get(t.Context(), path, query, out); err != nil {
		t.Fatalf("%s %v: %v", path, query, err)
	}
}

// query evaluates an expression, now.
func (p *prometheus) query(t *testing.T, expr string) []sample {
	t.Helper()
	var data struct {
		Result []struct {
			Metric map[string]string
			Value  [2]any
		}
	}
	p.must(t, "/api/v1/query", url.Values{"query": {expr}}, &data)
	samples := make([]sample, 0, len(data.Result))
	for _, r := range data.Result {
		text, _ := r.Value[1].(string)
		v, err := strconv.ParseFloat(text, 64)
		if err != nil {
			t.Fatalf("%s: %v", expr, err)
		}
		samples = append(samples, sample{r.Metric, v})
	}
	return samples
}

// shows reports whether an expression has a value now: NaN is none, as of a ratio of
// nothing to nothing.
func (p *prometheus) shows(t *testing.T, expr string) bool {
	t.Helper()
	for _, s := range p.query(t, expr) {
		if !math.IsNaN(s.Value) {
			return true
		}
	}
	return false
}
