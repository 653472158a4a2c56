package local

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"syscall"
	"time"
)

// Child is a process that ends when this one does. On Linux the kernel sees to
// that, even on kill -9; elsewhere it is ended by Stop only.
type Child struct {
	cmd  *exec.Cmd
	done chan struct{}
	err  error // written before done is closed
}

// StartChild starts cmd in a process group of its own, so that a Ctrl-C meant
// for this process doesn't stop the child before this process is done with it.
// cmd's output must go to files, not to Go writers.
func StartChild(cmd *exec.Cmd) (*Child, error) {
	if cmd.SysProcAttr == nil {
		cmd.SysProcAttr = &syscall.SysProcAttr{}
	}
	cmd.SysProcAttr.Setpgid = true
	endWithParent(cmd.SysProcAttr)
	c := &Child{cmd: cmd, done: make(chan struct{})}
	started := make(chan error)
	go c.run(started)
	if err := <-started; err != nil {
		return nil, fmt.Errorf("start %s: %w", cmd.Path, err)
	}
	return c, nil
}

// run forks and then waits on the very same thread: the kernel's "my parent
// died" signal fires when the thread that forked ends, not the process.
func (c *Child) run(started chan<- error) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	if err := c.cmd.Start(); err != nil {
		started <- err
		return
	}
	started <- nil
	c.err = c.cmd.Wait()
	close(c.done)
}

// Pid is the child's process id.
func (c *Child) Pid() int { return c.cmd.Process.Pid }

// Done is closed once the child has ended.
func (c *Child) Done() <-chan struct{} { return c.done }

// Err is how the child ended, nil for exit code 0. It waits for the end.
func (c *Child) Err() error {
	<-c.done
	return c.err
}

// Stop sends the signals one after the other, each once the one before had
// patience to work or ctx ended, and SIGKILL at last. It returns when the child
// has ended, whatever ctx says, and does nothing if it has ended already.
func (c *Child) Stop(ctx context.Context, patience time.Duration, signals ...os.Signal) {
	for _, sig := range signals {
		// The only error is that the child has ended, which the wait sees too.
		_ = c.cmd.Process.Signal(sig)
		if c.wait(ctx, patience) {
			return
		}
	}
	_ = c.cmd.Process.Kill()
	<-c.done
}

// wait reports whether the child ended within patience, cut short by ctx.
func (c *Child) wait(ctx context.Context, patience time.Duration) bool {
	timer := time.NewTimer(patience)
	defer timer.Stop()
	select {
	case <-c.done:
		return true
	case <-timer.C:
	case <-ctx.Done():
	}
	select {
	case <-c.done:
		return true
	default:
		return false
	}
}
