package local

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
)

// layout is a data directory: what is where in it.
type layout string

// cluster is Postgres's own directory (PGDATA).
func (l layout) cluster() string { return filepath.Join(string(l), "postgres") }

// unfinished is where initdb works, so that cluster is there whole or not at all.
func (l layout) unfinished() string { return filepath.Join(string(l), "postgres.new") }

// lock is held by the process that uses the directory.
func (l layout) lock() string { return filepath.Join(string(l), "lock") }

// log is what Postgres said since its last start.
func (l layout) log() string { return filepath.Join(string(l), "postgres.log") }

// maxSocketPath is what fits into a socket address on every system we run on:
// 108 bytes on Linux, 104 on macOS, both with a closing NUL.
const maxSocketPath = 103

// socketFile is the name that Postgres gives its socket for the port we tell it.
const socketFile = ".s.PGSQL.5432"

// socketDir holds the socket: a folder of the data directory or, where that
// makes too long a path, one of the same name at every start in the
// temporary directory.
func (l layout) socketDir() string {
	dir := filepath.Join(string(l), "run")
	if len(filepath.Join(dir, socketFile)) <= maxSocketPath {
		return dir
	}
	name := "postrider-" + shortHash(string(l))
	if dir := filepath.Join(os.TempDir(), name); len(filepath.Join(dir, socketFile)) <= maxSocketPath {
		return dir
	}
	return filepath.Join("/tmp", name)
}

// makeSocketDir makes the socket's directory the account's own. Whoever gets in
// there is trusted, so a directory that somebody else put there is refused.
func (l layout) makeSocketDir(acct account) error {
	dir := l.socketDir()
	err := os.Mkdir(dir, 0o700)
	if err == nil {
		return acct.own(dir)
	}
	if !errors.Is(err, fs.ErrExist) {
		return fmt.Errorf("make socket directory: %w", err)
	}
	info, err := os.Lstat(dir)
	if err != nil {
		return fmt.Errorf("check socket directory: %w", err)
	}
	st, ok := info.Sys().(*syscall.Stat_t)
	if !ok || !info.IsDir() || (int(st.Uid) != acct.uid && int(st.Uid) != os.Geteuid()) {
		return fmt.Errorf("socket directory %s belongs to somebody else: remove it", dir)
	}
	return acct.own(dir)
}

// clusterMajor is the major version that made a cluster; 0 if there is none.
func clusterMajor(cluster string) (int, error) {
	raw, err := os.ReadFile(filepath.Join(cluster, "PG_VERSION"))
	if errors.Is(err, fs.ErrNotExist) {
		return 0, nil
	}
	if err != nil {
		return 0, fmt.Errorf("read the version of %s: %w", cluster, err)
	}
	major, err := strconv.Atoi(strings.TrimSpace(string(raw)))
	if err != nil {
		return 0, fmt.Errorf("read the version of %s: %w", cluster, err)
	}
	return major, nil
}

// ErrInUse means that another process uses the data directory.
var ErrInUse = errors.New("data directory is in use")

// acquire takes the directory for this process, until the file is closed or the
// process ends. It fails with ErrInUse.
func (l layout) acquire() (*os.File, error) {
	f, err := os.OpenFile(l.lock(), os.O_RDWR|os.O_CREATE, 0o644)
	if err != nil {
		return nil, fmt.Errorf("open lock: %w", err)
	}
	err = syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
	if err == nil {
		err = writePid(f)
	} else if errors.Is(err, syscall.EWOULDBLOCK) {
		holder, _ := os.ReadFile(l.lock()) // only for the message
		err = fmt.Errorf("%w: %s, by process %s", ErrInUse, l, holder)
	}
	if err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return f, nil
}

// writePid notes for people who holds the lock.
func writePid(f *os.File) error {
	if err := f.Truncate(0); err != nil {
		return fmt.Errorf("note the lock's holder: %w", err)
	}
	if _, err := f.WriteAt([]byte(strconv.Itoa(os.Getpid())), 0); err != nil {
		return fmt.Errorf("note the lock's holder: %w", err)
	}
	return nil
}

// dataMajor is the major version that a data directory asks for; 0 if any will
// do.
func dataMajor(dir string) (int, error) {
	if dir == "" {
		return 0, nil
	}
	return clusterMajor(layout(dir).cluster())
}
