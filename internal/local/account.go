package local

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strconv"
	"syscall"
)

// account is whom Postgres runs as: this process's own user, except that
// Postgres refuses root, so root drops to a user without privileges.
type account struct {
	name     string
	uid, gid int
	drop     bool
}

// candidates are tried in this order when root has to drop.
var candidates = [...]string{"postgres", "nobody", "daemon"}

// currentAccount chooses the account for this process.
func currentAccount() (account, error) {
	if uid := os.Geteuid(); uid != 0 {
		return account{uid: uid, gid: os.Getegid()}, nil
	}
	for _, name := range candidates {
		u, err := user.Lookup(name)
		if err != nil {
			continue
		}
		uid, uidErr := strconv.Atoi(u.Uid)
		gid, gidErr := strconv.Atoi(u.Gid)
		if uidErr == nil && gidErr == nil && uid != 0 {
			return account{name: name, uid: uid, gid: gid, drop: true}, nil
		}
	}
	return account{}, fmt.Errorf("none of the users %v exists, and Postgres refuses to run as root: create one, or start as another user", candidates)
}

// Unprivileged makes a command run as whom the private Postgres runs as, for other
// programs that refuse root or have to get at its socket.
func Unprivileged(cmd *exec.Cmd) error {
	acct, err := currentAccount()
	if err != nil {
		return err
	}
	cmd.SysProcAttr = acct.attr()
	return nil
}

// attr makes a command run as the account.
func (a account) attr() *syscall.SysProcAttr {
	if !a.drop {
		return &syscall.SysProcAttr{}
	}
	return &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: uint32(a.uid), Gid: uint32(a.gid)}}
}

// own makes path, an existing directory, the account's own and closed to others.
func (a account) own(path string) error {
	if a.drop {
		if err := os.Chown(path, a.uid, a.gid); err != nil {
			return fmt.Errorf("give %s to user %s: %w", path, a.name, err)
		}
	}
	if err := os.Chmod(path, 0o700); err != nil {
		return fmt.Errorf("close %s to others: %w", path, err)
	}
	return nil
}

// mkdir makes path and its missing parents so that the account can pass through
// them, and refuses a path that the account can't reach.
func (a account) mkdir(path string) error {
	if !a.drop {
		if err := os.MkdirAll(path, 0o700); err != nil {
			return fmt.Errorf("make data directory: %w", err)
		}
		return nil
	}
	if err := mkdirOpen(path); err != nil {
		return fmt.Errorf("make data directory: %w", err)
	}
	return a.checkReach(path)
}

// mkdirOpen is os.MkdirAll with mode 0755 whatever the umask says; what exists
// keeps its mode.
func mkdirOpen(path string) error {
	err := os.Mkdir(path, 0o755)
	if errors.Is(err, fs.ErrNotExist) && path != filepath.Dir(path) {
		if err := mkdirOpen(filepath.Dir(path)); err != nil {
			return err
		}
		err = os.Mkdir(path, 0o755)
	}
	if errors.Is(err, fs.ErrExist) {
		return nil
	}
	if err != nil {
		return err
	}
	return os.Chmod(path, 0o755)
}

// checkReach fails with advice if a parent of path, or path, is closed to the account.
func (a account) checkReach(path string) error {
	for dir := path; ; dir = filepath.Dir(dir) {
		info, err := os.Stat(dir)
		if err != nil {
			return fmt.Errorf("check data directory: %w", err)
		}
		if !a.mayPass(info) {
			return fmt.Errorf("data directory %s can't be reached by user %s, whom Postgres runs as because it refuses root: %s is closed to others; choose another data directory", path, a.name, dir)
		}
		if dir == filepath.Dir(dir) {
			return nil
		}
	}
}

// mayPass reports whether the account may go through a directory.
func (a account) mayPass(info fs.FileInfo) bool {
	mode := info.Mode().Perm()
	st, ok := info.Sys().(*syscall.Stat_t)
	switch {
	case !info.IsDir():
		return false
	case ok && int(st.Uid) == a.uid:
		return mode&0o100 != 0
	case ok && int(st.Gid) == a.gid:
		return mode&0o010 != 0
	default:
		return mode&0o001 != 0
	}
}
