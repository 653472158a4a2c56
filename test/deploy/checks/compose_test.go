package checks

import (
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	composeloader "github.com/compose-spec/compose-go/v2/loader"
	"github.com/compose-spec/compose-go/v2/types"
)

// compose loads the file as docker compose does: against the specification's
// schema, with variables and anchors resolved, and no service depending on nobody.
func compose(t *testing.T, env types.Mapping) (*types.Project, error) {
	t.Helper()
	file, err := filepath.Abs(repository + "/deploy/compose.yaml")
	must(t, err)
	return composeloader.LoadWithContext(t.Context(), types.ConfigDetails{
		WorkingDir: filepath.Dir(file), ConfigFiles: []types.ConfigFile{{Filename: file}}, Environment: maps.Clone(env), // the loader adds to it
	}, func(o *composeloader.Options) { o.Profiles = []string{"*"} })
}

var keys = types.Mapping{"POSTGRES_PASSWORD": "a", "POSTRIDER_API_ADMIN_KEY": "b", "POSTRIDER_SECRETS_KEY": "c"}

func TestComposeNeedsKeys(t *testing.T) {
	t.Parallel()
	for name := range keys {
		env := types.Mapping{}
		for k, v := range keys {
			if k != name {
				env[k] = v
			}
		}
		if _, err := compose(t, env); err == nil || !strings.Contains(err.Error(), "run make compose-keys first") {
			t.Errorf("without %s: %v", name, err)
		}
	}
}

func TestCompose(t *testing.T) {
	t.Parallel()
	p, err := compose(t, keys)
	must(t, err)
	for _, name := range []string{"postgres", "redis", "migrate", "api", "worker", "scheduler", "prometheus", "grafana"} {
		s, err := p.GetService(name)
		must(t, err)
		for _, port := range s.Ports {
			if port.HostIP != "127.0.0.1" {
				t.Errorf("%s is published beyond this machine: %+v", name, port)
			}
		}
		for _, v := range s.Volumes {
			if v.Type != types.VolumeTypeBind {
				continue
			}
			if _, err := os.Stat(v.Source); err != nil {
				t.Errorf("%s mounts what is not there: %v", name, err)
			}
			if !v.ReadOnly {
				t.Errorf("%s may write to %s", name, v.Source)
			}
		}
	}
	for _, role := range roles {
		s, err := p.GetService(role)
		must(t, err)
		if !s.ReadOnly || !slices.Equal(s.CapDrop, []string{"ALL"}) || !slices.Contains(s.SecurityOpt, "no-new-privileges:true") {
			t.Errorf("%s may do more than it has to", role)
		}
		if s.StopGracePeriod == nil || time.Duration(*s.StopGracePeriod) < 95*time.Second {
			t.Errorf("%s is killed while it stops", role)
		}
		if s.DependsOn["migrate"].Condition != types.ServiceConditionCompletedSuccessfully || s.DependsOn["redis"].Condition != types.ServiceConditionHealthy {
			t.Errorf("%s starts too early: %+v", role, s.DependsOn)
		}
	}
	redis, err := p.GetService("redis")
	must(t, err)
	for _, want := range []string{"noeviction", "--appendonly", "--maxmemory"} {
		if !slices.Contains([]string(redis.Command), want) {
			t.Errorf("Redis is started without %s: %q", want, redis.Command)
		}
	}
}
