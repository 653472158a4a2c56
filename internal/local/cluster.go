package local

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"time"
)

// cluster makes and opens the database files of one data directory. Its owner
// holds the directory's lock.
type cluster struct {
	layout     layout
	acct       account
	bin        Binaries
	disposable bool
}

// prepare sees to it that there is a cluster that the programs can open.
func (c cluster) prepare(ctx context.Context) error {
	major, err := clusterMajor(c.layout.cluster())
	if err != nil {
		return err
	}
	if major == c.bin.Major {
		return nil
	}
	if major != 0 {
		if !c.disposable {
			return fmt.Errorf("the data in %s was made by Postgres %d, but %s holds Postgres %d: install Postgres %d, or choose another data directory, or move this one away to start empty", c.layout, major, c.bin.Dir, c.bin.Major, major)
		}
		if err := c.wipe(); err != nil {
			return err
		}
	}
	return c.create(ctx)
}

// wipe throws the data away.
func (c cluster) wipe() error {
	if err := os.RemoveAll(c.layout.cluster()); err != nil {
		return fmt.Errorf("throw test data away: %w", err)
	}
	return nil
}

// create runs initdb beside the cluster's place and moves the result there, so
// that an interrupted initdb leaves nothing that looks like data.
func (c cluster) create(ctx context.Context) error {
	dir := c.layout.unfinished()
	if err := os.RemoveAll(dir); err != nil {
		return fmt.Errorf("clear an unfinished initdb away: %w", err)
	}
	if err := os.Mkdir(dir, 0o700); err != nil {
		return fmt.Errorf("make room for initdb: %w", err)
	}
	if err := c.acct.own(dir); err != nil {
		return err
	}
	if err := c.initdb(ctx, dir); err != nil {
		return err
	}
	if err := os.Rename(dir, c.layout.cluster()); err != nil {
		return fmt.Errorf("put the new cluster in place: %w", err)
	}
	return nil
}

// initdb trusts whoever reaches the socket: its directory is closed to others,
// and there is no other way in.
func (c cluster) initdb(ctx context.Context, dir string) error {
	ctx, cancel := context.WithTimeoutCause(ctx, 2*time.Minute, errors.New("initdb takes more than 2 minutes"))
	defer cancel()
	cmd := exec.CommandContext(ctx, c.bin.Initdb(), "-D", dir, "-U", superuser, "-A", "trust", "-E", "UTF8", "--locale=C", "--no-instructions")
	if c.disposable {
		cmd.Args = append(cmd.Args, "--no-sync")
	}
	cmd.Dir, cmd.Env, cmd.SysProcAttr = "/", childEnv(), c.acct.attr()
	cmd.WaitDelay = 5 * time.Second
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("initdb in %s: %w: %s", dir, err, tail(out))
	}
	return nil
}

// childEnv keeps the user's PG* variables and locale away from the server, which
// would read PGPORT or PGDATA, and whose macOS build refuses an unset locale.
func childEnv() []string {
	return []string{"PATH=" + os.Getenv("PATH"), "LC_ALL=C", "TZ=UTC"}
}
