package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/postrider/postrider/internal/local"
)

// process is one program under test. It ends with this one, however that ends.
type process struct {
	name    string
	child   *local.Child
	logFile string
}

// patience is how long a program may take to start, and to stop.
const patience = 30 * time.Second

// startProcess starts a program in dir, where its log goes too.
func startProcess(name, dir string, env []string, program string, args ...string) (*process, error) {
	p := &process{name: name, logFile: filepath.Join(dir, name+".log")}
	log, err := os.Create(p.logFile)
	if err != nil {
		return nil, fmt.Errorf("open the log of %s: %w", name, err)
	}
	defer log.Close() // the child has its own copy
	cmd := exec.Command(program, args...)
	cmd.Dir, cmd.Env, cmd.Stdout, cmd.Stderr = dir, env, log, log
	if p.child, err = local.StartChild(cmd); err != nil {
		return nil, err
	}
	return p, nil
}

// stop asks the program to end and sees to it that it does.
func (p *process) stop(ctx context.Context) { p.child.Stop(ctx, patience, syscall.SIGTERM) }

// wait polls until ready says nil.
func (p *process) wait(ctx context.Context, ready func(context.Context) error) error {
	ctx, cancel := context.WithTimeoutCause(ctx, patience, fmt.Errorf("not ready after %s", patience))
	defer cancel()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for {
		err := ready(ctx)
		if err == nil {
			return nil
		}
		select {
		case <-tick.C:
		case <-p.child.Done():
			return fmt.Errorf("%s ended at once: %w: %s", p.name, p.child.Err(), p.said())
		case <-ctx.Done():
			return fmt.Errorf("start %s: %w: %w: %s", p.name, context.Cause(ctx), err, p.said())
		}
	}
}

// said is the end of the program's log, for an error message.
func (p *process) said() string {
	raw, err := os.ReadFile(p.logFile)
	if err != nil {
		return err.Error()
	}
	return string(raw[max(len(raw)-2000, 0):])
}

// complaints counts the log's lines of level warning and above, and returns the
// first of them.
func (p *process) complaints() (n int, first string, err error) {
	raw, err := os.ReadFile(p.logFile)
	if err != nil {
		return 0, "", fmt.Errorf("read the log of %s: %w", p.name, err)
	}
	for line := range strings.SplitSeq(string(raw), "\n") {
		if strings.Contains(line, `"level":"WARN"`) || strings.Contains(line, `"level":"ERROR"`) {
			if n++; n == 1 {
				first = line
			}
		}
	}
	return n, first, nil
}

// answers is a readiness check: a GET that has to answer 200.
func answers(url string) func(context.Context) error {
	return func(ctx context.Context) error {
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
		if err != nil {
			return err
		}
		res, err := (&http.Client{Timeout: patience}).Do(req)
		if err != nil {
			return err
		}
		if err := res.Body.Close(); err != nil {
			return err
		}
		if res.StatusCode != http.StatusOK {
			return errors.New(res.Status)
		}
		return nil
	}
}
