package checks

import (
	"bytes"
	"encoding/json"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	_ "github.com/kedacore/keda/v2/version" // pins the module, whose CRDs are read
	monitoring "github.com/prometheus-operator/prometheus-operator/pkg/apis/monitoring/v1"
	"github.com/santhosh-tekuri/jsonschema/v6"
	apps "k8s.io/api/apps/v1"
	autoscaling "k8s.io/api/autoscaling/v2"
	batch "k8s.io/api/batch/v1"
	core "k8s.io/api/core/v1"
	networking "k8s.io/api/networking/v1"
	policy "k8s.io/api/policy/v1"
	"sigs.k8s.io/yaml"
)

// kinds are decoded into the types that the API server and the operators have.
var kinds = map[string]func() any{
	"apps/v1 Deployment":                     func() any { return new(apps.Deployment) },
	"batch/v1 Job":                           func() any { return new(batch.Job) },
	"v1 ConfigMap":                           func() any { return new(core.ConfigMap) },
	"v1 Service":                             func() any { return new(core.Service) },
	"v1 ServiceAccount":                      func() any { return new(core.ServiceAccount) },
	"autoscaling/v2 HorizontalPodAutoscaler": func() any { return new(autoscaling.HorizontalPodAutoscaler) },
	"policy/v1 PodDisruptionBudget":          func() any { return new(policy.PodDisruptionBudget) },
	"networking.k8s.io/v1 NetworkPolicy":     func() any { return new(networking.NetworkPolicy) },
	"networking.k8s.io/v1 Ingress":           func() any { return new(networking.Ingress) },
	"monitoring.coreos.com/v1 ServiceMonitor": func() any {
		return new(monitoring.ServiceMonitor)
	},
	"monitoring.coreos.com/v1 PrometheusRule": func() any { return new(monitoring.PrometheusRule) },
}

// TestManifests: no field is unknown, of a wrong type or there twice.
func TestManifests(t *testing.T) {
	t.Parallel()
	keda := scaledObject(t)
	seen := map[string]bool{}
	for variant, text := range variants {
		for name, doc := range manifests(t, text) {
			var head struct{ APIVersion, Kind string }
			must(t, yaml.Unmarshal(doc, &head))
			kind := head.APIVersion + " " + head.Kind
			seen[kind] = true
			raw, err := yaml.YAMLToJSONStrict(doc)
			must(t, err)
			if kind == "keda.sh/v1alpha1 ScaledObject" {
				value, err := jsonschema.UnmarshalJSON(bytes.NewReader(raw))
				must(t, err)
				if err := keda.Validate(value); err != nil {
					t.Errorf("%s, %s: %v", variant, name, err)
				}
				continue
			}
			if kinds[kind] == nil {
				t.Errorf("%s, %s: nobody knows %s", variant, name, kind)
				continue
			}
			into := json.NewDecoder(bytes.NewReader(raw))
			into.DisallowUnknownFields()
			if err := into.Decode(kinds[kind]()); err != nil {
				t.Errorf("%s, %s: %v", variant, name, err)
			}
		}
	}
	// A kind that is never rendered is one that is never looked at.
	for _, kind := range slices.Collect(maps.Keys(kinds)) {
		rules, _ := filepath.Glob(repository + "/deploy/prometheus/rules/*.yml")
		if !seen[kind] && (len(rules) > 0 || !strings.HasSuffix(kind, "PrometheusRule")) {
			t.Errorf("no variant has a %s", kind)
		}
	}
	if !seen["keda.sh/v1alpha1 ScaledObject"] {
		t.Error("no variant has a ScaledObject")
	}
}

// scaledObject is the schema in KEDA's own CRD, in which nothing else is allowed.
func scaledObject(t *testing.T) *jsonschema.Schema {
	t.Helper()
	dir, err := exec.Command("go", "list", "-m", "-f", "{{.Dir}}", "github.com/kedacore/keda/v2").Output()
	must(t, err)
	raw, err := os.ReadFile(filepath.Join(strings.TrimSpace(string(dir)), "config", "crd", "bases", "keda.sh_scaledobjects.yaml"))
	must(t, err)
	var crd struct {
		Spec struct {
			Versions []struct {
				Schema struct {
					OpenAPIV3Schema map[string]any `json:"openAPIV3Schema"`
				} `json:"schema"`
			} `json:"versions"`
		} `json:"spec"`
	}
	must(t, yaml.Unmarshal(raw, &crd))
	schema := crd.Spec.Versions[0].Schema.OpenAPIV3Schema
	closeObjects(schema)
	// The API server knows what metadata is; the CRD does not say.
	schema["properties"].(map[string]any)["metadata"] = map[string]any{"type": "object"}
	c := jsonschema.NewCompiler()
	must(t, c.AddResource("keda.json", schema))
	compiled, err := c.Compile("keda.json")
	must(t, err)
	return compiled
}

// closeObjects refuses unknown fields, which an API server warns of and drops.
func closeObjects(schema map[string]any) {
	if properties, ok := schema["properties"].(map[string]any); ok {
		if _, open := schema["additionalProperties"]; !open && schema["x-kubernetes-preserve-unknown-fields"] != true {
			schema["additionalProperties"] = false
		}
		for _, p := range properties {
			closeObjects(p.(map[string]any))
		}
	}
	for _, key := range []string{"items", "additionalProperties"} {
		if inner, ok := schema[key].(map[string]any); ok {
			closeObjects(inner)
		}
	}
}
