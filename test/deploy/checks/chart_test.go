package checks

import (
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"helm.sh/helm/v3/pkg/chart"
	"helm.sh/helm/v3/pkg/chart/loader"
	"helm.sh/helm/v3/pkg/chartutil"
	"helm.sh/helm/v3/pkg/engine"
	"helm.sh/helm/v3/pkg/lint"
	"helm.sh/helm/v3/pkg/lint/support"
	"sigs.k8s.io/yaml"
)

const (
	repository = "../../.."
	chartDir   = repository + "/deploy/helm/postrider"
)

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func load(t *testing.T) *chart.Chart {
	t.Helper()
	c, err := loader.Load(chartDir)
	must(t, err)
	return c
}

// values reads YAML as --set and --values do.
func values(t *testing.T, text string) map[string]any {
	t.Helper()
	v, err := chartutil.ReadValues([]byte(text))
	must(t, err)
	return v
}

// install renders the chart as helm install does, the schema of values included.
func install(t *testing.T, text string) (map[string]string, error) {
	t.Helper()
	c := load(t)
	release := chartutil.ReleaseOptions{Name: "prod", Namespace: "webhooks", Revision: 1, IsInstall: true}
	all, err := chartutil.ToRenderValues(c, values(t, text), release, chartutil.DefaultCapabilities)
	if err != nil {
		return nil, err
	}
	return engine.Render(c, all)
}

const (
	least = "secrets: {existingSecret: postrider}\n"
	all   = `
secrets: {existingSecret: postrider, redisTLS: {existingSecret: redis-tls, cert: tls.crt, key: tls.key}}
config:
  egress: {https_only: "true", allow: [10.20.0.0/16]}
  api: {rate_limit: 1000000}
extraEnv: [{name: GOMEMLIMIT, value: 400MiB}]
imagePullSecrets: [{name: registry}]
podAnnotations: {a: b}
podLabels: {team: web}
api:
  preStopSeconds: 10
  autoscaling: {enabled: true}
  ingress: {enabled: true, className: nginx, host: webhooks.example.com, tlsSecret: tls, annotations: {a: b}}
  nodeSelector: {disk: ssd}
  tolerations: [{key: a, operator: Exists}]
  affinity: {podAntiAffinity: {preferredDuringSchedulingIgnoredDuringExecution: [{weight: 1, podAffinityTerm: {topologyKey: zone}}]}}
worker: {autoscaling: {enabled: true, selector: 'namespace="a"'}}
networkPolicy:
  apiFrom: [{podSelector: {matchLabels: {app: gateway}}}]
  postgres: {to: [{ipBlock: {cidr: 10.0.0.5/32}}]}
  receivers: {ports: [443], alsoTo: [{ipBlock: {cidr: 10.20.0.0/16}}]}
  extraEgress: [{ports: [{port: 3128}]}]
serviceMonitor: {enabled: true, labels: {release: prometheus}}
prometheusRule: {enabled: true, labels: {release: prometheus}}
`
	little = least + `
api: {autoscaling: {enabled: false}, podDisruptionBudget: {enabled: false}}
worker: {podDisruptionBudget: {enabled: false}}
scheduler: {podDisruptionBudget: {enabled: false}}
serviceAccount: {create: false}
migrations: {enabled: false}
networkPolicy: {enabled: false}
`
)

var variants = map[string]string{"Least": least, "All": all, "Little": little}

// manifests are the documents that a variant renders to, by kind and name.
func manifests(t *testing.T, text string) map[string][]byte {
	t.Helper()
	files, err := install(t, text)
	must(t, err)
	found := map[string][]byte{}
	for _, name := range slices.Sorted(maps.Keys(files)) {
		if !strings.HasSuffix(name, ".yaml") {
			continue
		}
		for _, doc := range regexp.MustCompile(`(?m)^---$`).Split(files[name], -1) {
			var head struct {
				Kind     string `json:"kind"`
				Metadata struct {
					Name string `json:"name"`
				} `json:"metadata"`
			}
			must(t, yaml.Unmarshal([]byte(doc), &head))
			if head.Kind == "" {
				continue // nothing but comments
			}
			key := head.Kind + " " + head.Metadata.Name
			if found[key] != nil {
				t.Errorf("%s is there twice", key)
			}
			found[key] = []byte(doc)
		}
	}
	return found
}

func TestChartIsLinted(t *testing.T) {
	t.Parallel()
	for name, text := range variants {
		linter := lint.All(chartDir, values(t, text), "webhooks", true)
		for _, m := range linter.Messages {
			// An icon is for catalogues.
			if m.Severity > support.InfoSev {
				t.Errorf("%s: %s", name, m)
			}
		}
	}
}

func TestChartRefuses(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct{ values, says string }{
		"NoSecret":        {"", "secrets.existingSecret"},
		"ATypo":           {least + "workers: {replicas: 3}", "workers"},
		"ADeepTypo":       {least + "worker: {replica: 3}", "replica"},
		"NoWorkers":       {least + "worker: {replicas: 0}", "replicas"},
		"AWrongType":      {least + "scheduler: {replicas: two}", "replicas"},
		"ASecretInConfig": {least + "config: {secrets: {key: abc}}", "belongs into the Secret"},
		"AnotherPort":     {least + "config: {api: {listen: ':1'}}", "chart's"},
		"AFlatConfig":     {least + "config: {egress.https_only: true}", "config"},
		"AnIngressToNone": {least + "api: {ingress: {enabled: true}}", "api.ingress.host"},
	} {
		_, err := install(t, tt.values)
		if err == nil || !strings.Contains(err.Error(), tt.says) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// The rules go to the cluster as promtool tested them.
func TestChartHasThePrometheusRules(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob(repository + "/deploy/prometheus/rules/*.yml")
	must(t, err)
	var want []any
	for _, file := range files {
		raw, err := os.ReadFile(file)
		must(t, err)
		want = append(want, values(t, string(raw))["groups"].([]any)...)
	}
	rendered := manifests(t, all)["PrometheusRule prod-postrider"]
	if len(want) == 0 {
		if rendered != nil {
			t.Error("there are no rules, and yet a PrometheusRule")
		}
		return
	}
	got := values(t, string(rendered))["spec"].(map[string]any)["groups"]
	if fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("the rules are %v, want %v", got, want)
	}
}
