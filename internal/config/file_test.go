package config

import (
	"strings"
	"testing"
)

func TestFile_RefusesWhatItDoesNotKnow(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		file string
		want []string
	}{
		"KeyInASection":       {"worker:\n  concurency: 5\n", []string{"worker.concurency: unknown key", "did you mean worker.concurrency?", "postrider.yaml line 2"}},
		"KeyWithoutAValue":    {"worker:\n  concurency:\n", []string{"worker.concurency: unknown key"}},
		"Section":             {"workers:\n  concurrency: 5\n", []string{"workers: unknown key", "did you mean worker?"}},
		"EmptySection":        {"zzz: {}\n", []string{"zzz: unknown key"}},
		"DottedKey":           {"worker.concurency: 5\n", []string{"worker.concurency: unknown key"}},
		"AnotherCase":         {"Worker: {concurrency: 5}\n", []string{"Worker: unknown key", "did you mean worker?"}},
		"KeyBelowAKey":        {"worker: {concurrency: {max: 5}}\n", []string{"worker.concurrency: must be a value"}},
		"EmptyMappingAsValue": {"worker: {concurrency: {}}\n", []string{"worker.concurrency: must be a value"}},
		"ListOfLists":         {"delivery: {retry_schedule: [[1m]]}\n", []string{"delivery.retry_schedule: must be a value or a list"}},
		"ListForAValue":       {"worker: {concurrency: [5]}\n", []string{`worker.concurrency: must be a single value, not a list, got "[5]"`}},
		"ValueForASection":    {"worker: 5\n", []string{"worker: must be a section"}},
		"ListForASection":     {"worker: [5]\n", []string{"worker: must be a section"}},
		"KeyTwice":            {"worker:\n  concurrency: 5\nworker.concurrency: 6\n", []string{"worker.concurrency: is given twice", "line 3"}},
		"SecondDocument":      {"worker: {concurrency: 5}\n---\nworker: {concurrency: 6}\n", []string{"single YAML document"}},
		"NoMapping":           {"- worker\n", []string{"must be a YAML mapping"}},
		"NoYAML":              {"worker: {concurrency: 5\n", []string{"postrider.yaml"}},
		"AllOfThem":           {"a: 1\nworker: {b: 2}\n", []string{"a: unknown key", "worker.b: unknown key"}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, _, err := input{file: tt.file}.load(t)
			wantError(t, err, tt.want...)
		})
	}
}

func TestFile_TakesWhatMeansNothing(t *testing.T) {
	t.Parallel()
	for name, file := range map[string]string{
		"Comments":     "# nothing yet\n",
		"EmptySection": "worker:\n",
		"EmptyMapping": "worker: {}\n",
		"NullValue":    "worker: {concurrency: ~}\n",
		"NullDocument": "~\n",
		"Marker":       "---\nworker:\n  concurrency: 512\n",
		"JSON":         `{"worker": {"concurrency": 512}}`,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if n := (input{file: file}).mustLoad(t).Worker.Concurrency; n != 512 {
				t.Errorf("concurrency %d", n)
			}
		})
	}
}

func TestFile_FollowsAliases(t *testing.T) {
	t.Parallel()
	cfg := input{file: "postgres: {url: &u 'postgres://db/x', direct_url: *u}\n"}.mustLoad(t)
	if cfg.Postgres.DirectURL != "postgres://db/x" {
		t.Errorf("direct URL %q", cfg.Postgres.DirectURL)
	}
}

func TestFile_ErrorOfBrokenYAMLQuotesNoValue(t *testing.T) {
	t.Parallel()
	for _, file := range []string{
		"secrets:\n  key: 'hunter2\n", "api:\n\tadmin_key: hunter2\n", "api: {admin_key: hunter2\n", "api:\n  admin_key: *hunter2\n",
		"api:\n  admin_key: hunter2: x\n", "hunter2\n",
	} {
		_, _, err := input{file: file}.load(t)
		if err == nil || strings.Contains(err.Error(), "hunter2") {
			t.Errorf("file %q: error %v", file, err)
		}
	}
}
