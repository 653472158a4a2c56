package stack

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/postrider/postrider/internal/local"
)

// Process is a running program. It ends with its test, or with this process.
type Process struct {
	Name string
	// URL is the base of an API's address.
	URL string
	// Health is the base of the metrics listener's address.
	Health string

	child *local.Child
	log   string
}

// Spawn starts a program in dir, in a process group of its own. Its output goes
// to a file, whose end is shown when the test fails.
func Spawn(t testing.TB, name, dir string, env []string, program string, args ...string) *Process {
	t.Helper()
	log, err := os.CreateTemp(dir, name+"-*.log")
	if err != nil {
		t.Fatal(err)
	}
	defer log.Close() // the child has its own copy
	cmd := exec.Command(program, args...)
	cmd.Dir, cmd.Env, cmd.Stdout, cmd.Stderr = dir, env, log, log
	child, err := local.StartChild(cmd)
	if err != nil {
		t.Fatal(err)
	}
	p := &Process{Name: name, child: child, log: log.Name()}
	t.Cleanup(func() { p.finish(t) })
	return p
}

// finish ends a process that the test left running, and looks at what it said.
func (p *Process) finish(t testing.TB) {
	if !p.Ended() {
		// With its children, if it has any in its group.
		_ = syscall.Kill(-p.Pid(), syscall.SIGKILL)
	}
	p.child.Stop(t.Context(), 0)
	said := p.Said(t)
	for _, sign := range []string{"DATA RACE", "panic:", "fatal error:"} {
		if strings.Contains(said, sign) {
			t.Errorf("%s said %q", p.Name, sign)
		}
	}
	if t.Failed() {
		t.Logf("%s (%s) said at last:\n%s", p.Name, filepath.Base(p.log), said[max(len(said)-16000, 0):])
	}
}

// Said is all of the program's output until now.
func (p *Process) Said(t testing.TB) string {
	t.Helper()
	raw, err := os.ReadFile(p.log)
	if err != nil {
		t.Fatal(err)
	}
	return string(raw)
}

// Pid is the process's id.
func (p *Process) Pid() int { return p.child.Pid() }

// Ended reports whether the process has.
func (p *Process) Ended() bool {
	select {
	case <-p.child.Done():
		return true
	default:
		return false
	}
}

// Signal sends a signal to the process and to nobody else.
func (p *Process) Signal(t testing.TB, sig syscall.Signal) {
	t.Helper()
	if p.Ended() {
		t.Fatalf("%s has ended before it got %s: %v", p.Name, sig, p.child.Err())
	}
	if err := syscall.Kill(p.Pid(), sig); err != nil {
		t.Fatalf("send %s to %s: %v", sig, p.Name, err)
	}
}

// Kill is kill -9. It returns when the process is gone.
func (p *Process) Kill(t testing.TB) {
	t.Helper()
	p.Signal(t, syscall.SIGKILL)
	<-p.child.Done()
}

// Terminate asks the process to stop and waits until it has done so, with exit
// code 0.
func (p *Process) Terminate(t testing.TB) {
	t.Helper()
	p.Signal(t, syscall.SIGTERM)
	if code := p.ExitCode(t); code != 0 {
		t.Errorf("%s stopped with exit code %d", p.Name, code)
	}
}

// ExitCode waits for the process's end. It is -1 after a signal.
func (p *Process) ExitCode(t testing.TB) int {
	t.Helper()
	timer := time.NewTimer(Patience)
	defer timer.Stop()
	select {
	case <-p.child.Done():
	case <-timer.C:
		t.Fatalf("%s has not ended after %s", p.Name, Patience)
	}
	err := p.child.Err()
	var exit *exec.ExitError
	switch {
	case err == nil:
		return 0
	case errors.As(err, &exit):
		return exit.ExitCode()
	}
	t.Fatal(err)
	return 0
}
