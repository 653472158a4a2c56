package local

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"slices"
	"strings"
	"time"
)

// Package is one program's package under its name in each package manager.
type Package struct{ Apt, Dnf, Apk, Brew string }

// PostgresPackage is the database server.
var PostgresPackage = Package{Apt: "postgresql", Dnf: "postgresql-server", Apk: "postgresql", Brew: "postgresql@17"}

// manager is a package manager that we know how to ask.
type manager struct {
	program string
	name    func(Package) string
	update  []string // nil if install does it
	install []string
	sudo    string
}

var managers = [...]manager{
	{
		program: "apt-get", name: func(p Package) string { return p.Apt }, sudo: "sudo ",
		update:  []string{"update", "-q"},
		install: []string{"install", "-q", "-y", "--no-install-recommends", "-o", "DPkg::Lock::Timeout=300"},
	},
	{
		program: "dnf", name: func(p Package) string { return p.Dnf }, sudo: "sudo ",
		install: []string{"install", "-q", "-y"},
	},
	{
		program: "apk", name: func(p Package) string { return p.Apk }, sudo: "sudo ",
		install: []string{"add", "--no-cache", "-q"},
	},
	{
		// Never run by us: Homebrew refuses root.
		program: "brew", name: func(p Package) string { return p.Brew },
		install: []string{"install"},
	},
}

// findManager returns the machine's package manager, or nil.
func findManager() *manager {
	for i := range managers {
		if _, err := exec.LookPath(managers[i].program); err == nil {
			return &managers[i]
		}
	}
	return nil
}

// Hint is the one line to type to install the package on this machine.
func (p Package) Hint() string {
	m := findManager()
	if m == nil {
		return "the machine's package manager (" + p.Apt + " on Debian)"
	}
	return m.sudo + m.program + " " + m.install[0] + " " + m.name(p)
}

// Install installs packages with the machine's package manager, which only root
// can. Output gets a line before it starts.
func Install(ctx context.Context, output io.Writer, packages ...Package) error {
	m := findManager()
	switch {
	case m == nil:
		return errors.New("no package manager that we know")
	case os.Geteuid() != 0 || m.program == "brew":
		return fmt.Errorf("%s is left to you", m.program)
	}
	var names []string
	for _, p := range packages {
		names = append(names, m.name(p))
	}
	fmt.Fprintf(output, "installing with %s: %s\n", m.program, strings.Join(names, " "))
	if slices.Contains(packages, PostgresPackage) {
		restore, err := noDefaultCluster()
		if err != nil {
			return err
		}
		defer restore()
	}
	if m.update != nil {
		if err := m.run(ctx, m.update); err != nil {
			return err
		}
	}
	return m.run(ctx, append(m.install[:len(m.install):len(m.install)], names...))
}

func (m *manager) run(ctx context.Context, args []string) error {
	ctx, cancel := context.WithTimeoutCause(ctx, 15*time.Minute, errors.New("it takes more than 15 minutes"))
	defer cancel()
	cmd := exec.CommandContext(ctx, m.program, args...)
	cmd.WaitDelay = 5 * time.Second
	cmd.Env = append(os.Environ(), "DEBIAN_FRONTEND=noninteractive")
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("%s %s: %w: %s", m.program, args[0], errors.Join(err, context.Cause(ctx)), tail(out))
	}
	return nil
}

// createCluster is where Debian's packages read whether to make and start a
// database server of the machine's own.
const createCluster = "/etc/postgresql-common/createcluster.d"

// noDefaultCluster keeps Debian from starting a server that nobody asked for,
// until restore is called.
func noDefaultCluster() (restore func(), err error) {
	file := createCluster + "/postrider.conf"
	if _, err := exec.LookPath("dpkg"); err != nil {
		return func() {}, nil
	}
	if err := os.MkdirAll(createCluster, 0o755); err != nil {
		return nil, fmt.Errorf("keep Debian from starting a Postgres: %w", err)
	}
	if err := os.WriteFile(file, []byte("create_main_cluster = false\n"), 0o644); err != nil {
		return nil, fmt.Errorf("keep Debian from starting a Postgres: %w", err)
	}
	return func() { _ = os.Remove(file) }, nil
}

// tail is the end of a program's output, for an error message.
func tail(out []byte) string {
	const most = 2000
	text := strings.TrimSpace(string(out))
	if len(text) > most {
		text = "…" + text[len(text)-most:]
	}
	return text
}
