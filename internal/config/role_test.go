package config

import (
	"net/netip"
	"slices"
	"strings"
	"testing"
)

func TestRole_RefusesToStartWithoutItsKeys(t *testing.T) {
	t.Parallel()
	const admin, secret = "POSTRIDER_API_ADMIN_KEY=a", "POSTRIDER_SECRETS_KEY=" + testKey
	tests := map[string]struct {
		role    Role
		env     []string
		missing []string
	}{
		"APIWithNothing":         {RoleAPI, nil, []string{"api.admin_key", "secrets.key"}},
		"APIWithEmptyVariables":  {RoleAPI, []string{"POSTRIDER_API_ADMIN_KEY=", "POSTRIDER_SECRETS_KEY="}, []string{"api.admin_key", "secrets.key"}},
		"APIWithoutAdminKey":     {RoleAPI, []string{secret}, []string{"api.admin_key"}},
		"APIWithoutSecretsKey":   {RoleAPI, []string{admin}, []string{"secrets.key"}},
		"APIWithBoth":            {RoleAPI, []string{admin, secret}, nil},
		"WorkerWithoutSecrets":   {RoleWorker, []string{admin}, []string{"secrets.key"}},
		"WorkerWithSecrets":      {RoleWorker, []string{secret}, nil},
		"SchedulerWithNothing":   {RoleScheduler, nil, nil},
		"DevWithNothing":         {RoleDev, nil, nil},
		"CommandWithNothing":     {RoleCommand, nil, nil},
		"CommandTakesKeysAsWell": {RoleCommand, []string{admin, secret}, nil},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, _, err := input{role: tt.role, env: tt.env}.load(t)
			var got []string
			if err != nil {
				for line := range strings.Lines(err.Error()) {
					key, _, _ := strings.Cut(line, ": must be set")
					got = append(got, key)
				}
			}
			if !slices.Equal(got, tt.missing) {
				t.Errorf("missing %q, want %q (%v)", got, tt.missing, err)
			}
		})
	}
}

func TestRole_DecidesWhereMetricsListen(t *testing.T) {
	t.Parallel()
	env := []string{"POSTRIDER_API_ADMIN_KEY=a", "POSTRIDER_SECRETS_KEY=" + testKey}
	for role, want := range map[Role]string{RoleAPI: ":9090", RoleWorker: ":9091", RoleScheduler: ":9092", RoleDev: ":9090"} {
		if got := (input{role: role, env: env}).mustLoad(t).Metrics.Listen; got != want {
			t.Errorf("%s listens on %s, want %s", role, got, want)
		}
		own := append(slices.Clone(env), "POSTRIDER_METRICS_LISTEN=:1")
		if got := (input{role: role, env: own}).mustLoad(t).Metrics.Listen; got != ":1" {
			t.Errorf("%s listens on %s, want :1", role, got)
		}
	}
}

func TestRole_DevAllowsLoopbackAndHasAKnownKey(t *testing.T) {
	t.Parallel()
	cfg := input{role: RoleDev}.mustLoad(t)
	want := []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8"), netip.MustParsePrefix("::1/128")}
	if !slices.Equal(cfg.Egress.Allow, want) || cfg.API.AdminKey != DevAdminKey {
		t.Errorf("got %s, %q", cfg.Egress.Allow, cfg.API.AdminKey)
	}
	if cfg.Given("egress.allow") || cfg.Given("api.admin_key") {
		t.Error("dev's defaults count as given")
	}
	cfg = input{role: RoleDev, env: []string{"POSTRIDER_EGRESS_ALLOW=none", "POSTRIDER_API_ADMIN_KEY=mine"}}.mustLoad(t)
	if len(cfg.Egress.Allow) != 0 || cfg.API.AdminKey != "mine" {
		t.Errorf("got %s, %q", cfg.Egress.Allow, cfg.API.AdminKey)
	}
}
