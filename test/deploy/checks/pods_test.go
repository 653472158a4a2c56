package checks

import (
	"slices"
	"strings"
	"testing"

	apps "k8s.io/api/apps/v1"
	batch "k8s.io/api/batch/v1"
	core "k8s.io/api/core/v1"
	networking "k8s.io/api/networking/v1"
	"sigs.k8s.io/yaml"
)

var roles = []string{"api", "worker", "scheduler"}

func deployment(t *testing.T, text, role string) apps.Deployment {
	t.Helper()
	var d apps.Deployment
	doc := manifests(t, text)["Deployment prod-postrider-"+role]
	if doc == nil {
		t.Fatalf("there is no %s", role)
	}
	must(t, yaml.UnmarshalStrict(doc, &d))
	return d
}

// TestPodsAreRestricted: the pod security standard of that name, and more.
func TestPodsAreRestricted(t *testing.T) {
	t.Parallel()
	for variant, text := range variants {
		pods := map[string]core.PodSpec{}
		for _, role := range roles {
			pods[role] = deployment(t, text, role).Spec.Template.Spec
		}
		if doc := manifests(t, text)["Job prod-postrider-migrate"]; doc != nil {
			var job batch.Job
			must(t, yaml.UnmarshalStrict(doc, &job))
			pods["migrate"] = job.Spec.Template.Spec
		}
		for name, pod := range pods {
			p, c := pod.SecurityContext, pod.Containers[0].SecurityContext
			switch {
			case p == nil || p.RunAsNonRoot == nil || !*p.RunAsNonRoot || *p.RunAsUser == 0,
				p.SeccompProfile.Type != core.SeccompProfileTypeRuntimeDefault,
				*c.AllowPrivilegeEscalation, !*c.ReadOnlyRootFilesystem, !slices.Equal(c.Capabilities.Drop, []core.Capability{"ALL"}),
				pod.AutomountServiceAccountToken == nil || *pod.AutomountServiceAccountToken,
				pod.HostNetwork, pod.HostPID, pod.HostIPC:
				t.Errorf("%s, %s is not restricted: %+v %+v", variant, name, p, c)
			}
			for _, e := range pod.Containers[0].Env {
				if e.Value != "" && strings.HasPrefix(e.Name, "POSTRIDER_") && !strings.HasSuffix(e.Name, "_FILE") {
					t.Errorf("%s, %s: %s is there in the open", variant, name, e.Name)
				}
			}
		}
	}
}

// TestPodsStopInTime holds the chart to what docs/operations.md says of stopping.
func TestPodsStopInTime(t *testing.T) {
	t.Parallel()
	for _, role := range roles {
		pod := deployment(t, least, role).Spec.Template.Spec
		ready := pod.Containers[0].ReadinessProbe
		if *pod.TerminationGracePeriodSeconds != 95 || ready.PeriodSeconds != 2 || ready.FailureThreshold != 1 || ready.HTTPGet.Path != "/readyz" {
			t.Errorf("%s: %d s, %+v", role, *pod.TerminationGracePeriodSeconds, ready)
		}
		if pod.Containers[0].LivenessProbe.HTTPGet.Path != "/healthz" {
			t.Errorf("%s: what is not ready would be killed", role)
		}
	}
	slow := deployment(t, all, "api").Spec.Template.Spec
	if hook := slow.Containers[0].Lifecycle; *slow.TerminationGracePeriodSeconds != 105 || hook.PreStop.Sleep.Seconds != 10 {
		t.Errorf("with a preStop: %d s, %+v", *slow.TerminationGracePeriodSeconds, hook)
	}
}

// TestReplicasAreNobodysOrTheAutoscalers: a Deployment that names them takes them
// back from the autoscaler at each upgrade.
func TestReplicasAreNobodysOrTheAutoscalers(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		values, role string
		want         int32 // 0 is none
	}{
		{least, "api", 0}, {least, "worker", 2}, {least, "scheduler", 2},
		{all, "api", 0}, {all, "worker", 0}, {all, "scheduler", 2},
		{little, "api", 2}, {little, "worker", 2},
	} {
		got := deployment(t, tt.values, tt.role).Spec.Replicas
		if tt.want == 0 && got != nil || tt.want != 0 && (got == nil || *got != tt.want) {
			t.Errorf("%s: replicas %v, want %d", tt.role, got, tt.want)
		}
	}
}

// TestNetworkPolicyIsTheSecondLock: no pod gets to the clouds' metadata, and a
// scheduler to no receiver.
func TestNetworkPolicyIsTheSecondLock(t *testing.T) {
	t.Parallel()
	for _, role := range roles {
		var p networking.NetworkPolicy
		must(t, yaml.UnmarshalStrict(manifests(t, least)["NetworkPolicy prod-postrider-"+role], &p))
		blocks := 0
		for _, rule := range p.Spec.Egress {
			for _, to := range rule.To {
				if to.IPBlock == nil {
					continue
				}
				if to.IPBlock.CIDR == "169.254.20.10/32" { // a node's cache of names
					for _, port := range rule.Ports {
						if port.Port.IntValue() != 53 {
							t.Errorf("%s gets to the node at %s", role, port.Port.String())
						}
					}
					if len(rule.Ports) == 0 {
						t.Errorf("%s gets to every port of the node", role)
					}
					continue
				}
				blocks++
				if to.IPBlock.CIDR == "0.0.0.0/0" && !slices.Contains(to.IPBlock.Except, "169.254.0.0/16") {
					t.Errorf("%s gets to the metadata service", role)
				}
			}
		}
		if want := map[string]int{"api": 2, "worker": 2}[role]; blocks != want {
			t.Errorf("%s gets to %d networks, want %d", role, blocks, want)
		}
	}
}

// TestConfigIsRead: what Helm writes is what Postrider reads, whole numbers included.
func TestConfigIsRead(t *testing.T) {
	t.Parallel()
	var m core.ConfigMap
	must(t, yaml.UnmarshalStrict(manifests(t, all)["ConfigMap prod-postrider"], &m))
	want := "api:\n  rate_limit: 1000000\negress:\n  allow:\n  - 10.20.0.0/16\n  https_only: \"true\"\n"
	if got := m.Data["postrider.yaml"]; strings.TrimSpace(got) != strings.TrimSpace(want) {
		t.Errorf("postrider.yaml is %q", got)
	}
}

// TestPodsHaveRedissCertificates: where the variables say, and only where asked for.
func TestPodsHaveRedissCertificates(t *testing.T) {
	t.Parallel()
	for _, role := range roles {
		pod := deployment(t, all, role).Spec.Template.Spec
		mounted := ""
		for _, m := range pod.Containers[0].VolumeMounts {
			if m.Name == "redis-tls" {
				mounted = m.MountPath
			}
		}
		if !slices.ContainsFunc(pod.Volumes, func(v core.Volume) bool { return v.Secret != nil && v.Secret.SecretName == "redis-tls" }) {
			t.Errorf("%s has no volume of the Secret", role)
		}
		got := map[string]string{}
		for _, e := range pod.Containers[0].Env {
			if strings.HasPrefix(e.Name, "POSTRIDER_REDIS_") && strings.HasSuffix(e.Name, "_FILE") {
				got[e.Name] = e.Value
			}
		}
		want := map[string]string{"CA": "ca.crt", "CERT": "tls.crt", "KEY": "tls.key"}
		for name, file := range want {
			if got["POSTRIDER_REDIS_"+name+"_FILE"] != mounted+"/"+file {
				t.Errorf("%s: %s is in %v, mounted at %q", role, name, got, mounted)
			}
		}
		for _, e := range deployment(t, least, role).Spec.Template.Spec.Containers[0].Env {
			if strings.HasSuffix(e.Name, "_FILE") {
				t.Errorf("%s has %s without a Secret", role, e.Name)
			}
		}
	}
}
