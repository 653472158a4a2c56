package config

import (
	"errors"
	"path/filepath"
	"strings"
	"testing"
)

func TestLoad_ReadsTheFileInTheWorkingDirectory(t *testing.T) {
	dir := t.TempDir()
	t.Chdir(dir) // hence not parallel
	writeFile(t, filepath.Join(dir, DefaultFile), "worker: {concurrency: 9}")
	cfg, _, err := Load([]string{"--log.level", "warn"}, []string{"POSTRIDER_LOG_FORMAT=text"}, RoleScheduler)
	if err != nil {
		t.Fatal(err)
	}
	if cfg.Worker.Concurrency != 9 || cfg.Log.Format != "text" || cfg.Log.Level.String() != "WARN" {
		t.Errorf("got %+v %+v", cfg.Worker, cfg.Log)
	}
}

func TestLoad_ReadsTheNamedFileInsteadOfTheDefault(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "other.yml")
	writeFile(t, path, "worker: {concurrency: 9}")
	cfg := input{file: "worker: {concurrency: 8}", args: []string{"--config", path}}.mustLoad(t)
	if cfg.Worker.Concurrency != 9 {
		t.Errorf("concurrency %d, want 9", cfg.Worker.Concurrency)
	}
}

func TestLoad_NamedFileMustExist(t *testing.T) {
	t.Parallel()
	_, _, err := input{args: []string{"--config", filepath.Join(t.TempDir(), "absent.yaml")}}.load(t)
	wantError(t, err, "absent.yaml", "no such file")
	_, _, err = input{args: []string{"--config="}}.load(t)
	wantError(t, err, "config: must name a file")
}

func TestLoad_AnswersHelpAndVersion(t *testing.T) {
	t.Parallel()
	for flag, want := range map[string]error{"--help": ErrHelp, "-h": ErrHelp, "--version": ErrVersion} {
		// Without a required key, and beside a bad value: neither matters here.
		if _, _, err := Load([]string{"--worker.concurrency=x", flag}, nil, RoleAPI); !errors.Is(err, want) {
			t.Errorf("%s: error %v, want %v", flag, err, want)
		}
	}
}

func TestLoad_RefusesFlags(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		args []string
		want []string
	}{
		"UnknownWithANearOne": {[]string{"--worker.concurency", "1"}, []string{"--worker.concurency", "did you mean --worker.concurrency?"}},
		"UnknownWithNone":     {[]string{"--zzz=1"}, []string{"unknown flag: --zzz"}},
		"WithoutItsValue":     {[]string{"--worker.concurrency"}, []string{"--worker.concurrency"}},
		"Arguments":           {[]string{"--egress.https_only", "false"}, []string{`"false"`, "--key=value"}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, _, err := Load(tt.args, nil, RoleCommand)
			wantError(t, err, tt.want...)
		})
	}
}

func TestLoad_BooleanFlagNeedsNoValue(t *testing.T) {
	t.Parallel()
	if !(input{args: []string{"--egress.https_only"}}).mustLoad(t).Egress.HTTPSOnly {
		t.Error("--egress.https_only is false")
	}
	if (input{file: "egress: {https_only: true}", args: []string{"--egress.https_only=false"}}).mustLoad(t).Egress.HTTPSOnly {
		t.Error("--egress.https_only=false is true")
	}
}

func TestLoad_UnknownVariableOnlyWarns(t *testing.T) {
	t.Parallel()
	cfg, warnings, err := input{env: []string{
		"POSTRIDER_WORKER_CONCURENCY=hunter2", "POSTRIDER_API_SERVICE_HOST=10.0.0.1", "POSTRIDERX=1", "OTHER=1", "POSTRIDER_KEY=pr_1", "POSTRIDER_URL=http://x", "POSTRIDER_WORKER_CONCURRENCY=9",
	}}.load(t)
	if err != nil || cfg.Worker.Concurrency != 9 {
		t.Fatalf("error %v, concurrency %d", err, cfg.Worker.Concurrency)
	}
	if len(warnings) != 2 || !strings.HasPrefix(warnings[0], "POSTRIDER_API_SERVICE_HOST: unknown variable") ||
		!strings.HasSuffix(warnings[1], "did you mean POSTRIDER_WORKER_CONCURRENCY?") {
		t.Errorf("warnings %q", warnings)
	}
	if strings.Contains(strings.Join(warnings, " "), "hunter2") {
		t.Error("a warning quotes a value")
	}
}

func TestLoad_EmptyVariableIsNotSet(t *testing.T) {
	t.Parallel()
	cfg := input{file: "worker: {concurrency: 9}", env: []string{
		"POSTRIDER_WORKER_CONCURRENCY=", "POSTRIDER_UNKNOWN=", "POSTRIDER_LOG_LEVEL=",
	}}.mustLoad(t)
	if cfg.Worker.Concurrency != 9 || cfg.Given("log.level") {
		t.Errorf("concurrency %d", cfg.Worker.Concurrency)
	}
}
