// Command testenv runs a command, as a rule go test, with what the tests need:
// one Postgres for all test processes, and the programs that some tests start.
// Root gets missing programs installed; others are told what to type.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"syscall"
	"time"

	"github.com/postrider/postrider/internal/local"
	"github.com/postrider/postrider/internal/pgtest"
	"github.com/postrider/postrider/internal/redistest"
)

func main() {
	if len(os.Args) < 2 {
		fmt.Fprintln(os.Stderr, "usage: testenv command [argument ...]")
		os.Exit(2)
	}
	code, err := run(os.Args[1], os.Args[2:])
	if err != nil {
		fmt.Fprintln(os.Stderr, "testenv:", err)
		os.Exit(1)
	}
	os.Exit(code)
}

// programs are what tests start, besides Postgres: receivers are written in
// several languages, and some tools come by npm.
var programs = []struct {
	name string
	pkg  local.Package
}{
	{"redis-server", redistest.Package},
	{"pgbouncer", pgtest.PoolerPackage},
	{"php", local.Package{Apt: "php-cli", Dnf: "php-cli", Apk: "php", Brew: "php"}},
	{"node", local.Package{Apt: "nodejs", Dnf: "nodejs", Apk: "nodejs", Brew: "node"}},
	{"curl", local.Package{Apt: "curl", Dnf: "curl", Apk: "curl", Brew: "curl"}},
	{"python3", local.Package{Apt: "python3", Dnf: "python3", Apk: "python3", Brew: "python3"}},
	{"openssl", local.Package{Apt: "openssl", Dnf: "openssl", Apk: "openssl", Brew: "openssl"}},
	{"chromium", local.Package{Apt: "chromium", Dnf: "chromium", Apk: "chromium", Brew: "chromium"}},
	{"prometheus", local.Package{Apt: "prometheus", Dnf: "golang-github-prometheus", Apk: "prometheus", Brew: "prometheus"}},
	{"npm", local.Package{Apt: "npm", Dnf: "npm", Apk: "npm", Brew: "node"}},
}

// venv is what Debian leaves out of python3: making virtual environments.
var venv = local.Package{Apt: "python3-venv", Dnf: "python3", Apk: "python3", Brew: "python3"}

func makesEnvironments(ctx context.Context) bool {
	return exec.CommandContext(ctx, "python3", "-c", "import ensurepip, venv").Run() == nil
}

// run returns the command's exit code. An interrupt goes to the command, too,
// and testenv waits for it.
func run(name string, args []string) (int, error) {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := install(ctx); err != nil {
		return 0, err
	}
	server, err := pgtest.Run(ctx)
	if err != nil {
		return 0, err
	}
	code, runErr := command(ctx, server.DSN(), name, args)
	return code, errors.Join(runErr, server.Stop(context.WithoutCancel(ctx)))
}

// install brings the programs that are missing.
func install(ctx context.Context) error {
	var missing []local.Package
	for _, p := range programs {
		if _, err := exec.LookPath(p.name); err != nil {
			missing = append(missing, p.pkg)
		}
	}
	if !makesEnvironments(ctx) {
		missing = append(missing, venv)
	}
	if len(missing) == 0 {
		return nil
	}
	err := local.Install(ctx, os.Stderr, missing...)
	if err == nil {
		return nil
	}
	for _, p := range missing {
		err = fmt.Errorf("%w\n  %s", err, p.Hint())
	}
	return fmt.Errorf("programs that tests need are missing; install them with the lines below: %w", err)
}

// command runs the command on the server and returns its exit code.
func command(ctx context.Context, dsn, name string, args []string) (int, error) {
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Cancel = func() error { return cmd.Process.Signal(os.Interrupt) }
	cmd.WaitDelay = 30 * time.Second
	cmd.Env = append(os.Environ(), pgtest.Env+"="+dsn)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = os.Stdin, os.Stdout, os.Stderr
	err := cmd.Run()
	var exit *exec.ExitError
	if errors.As(err, &exit) && exit.ExitCode() > 0 {
		return exit.ExitCode(), nil
	}
	return 0, err
}
