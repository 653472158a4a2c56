package stack

import (
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"sync"
	"testing"
)

// Main is a TestMain: it runs the tests and removes the programs that they
// built. Most of these tests wait for others, so more of them run at once than
// there are cores.
func Main(m *testing.M) { os.Exit(run(m)) }

func run(m *testing.M) int {
	flag.Parse()
	given := false
	flag.Visit(func(f *flag.Flag) { given = given || f.Name == parallelFlag })
	if !given {
		if err := flag.Set(parallelFlag, strconv.Itoa(atOnce)); err != nil {
			panic(err) // the testing package always has this flag
		}
	}
	code := m.Run()
	if dir, err := programs(); err == nil {
		if err := os.RemoveAll(dir); err != nil {
			fmt.Fprintln(os.Stderr, "remove the programs:", err)
		}
	}
	return code
}

const (
	parallelFlag = "test.parallel"
	atOnce       = 6
)

// Program is the path of one of the programs in cmd.
func Program(t testing.TB, name string) string {
	t.Helper()
	dir, err := programs()
	if err != nil {
		t.Fatal(err)
	}
	return filepath.Join(dir, name)
}

// programs builds all of cmd once in a process, and returns where. With the race
// detector in the test it is in the programs, too: they end with an error when
// it finds something, and what they are made of is compiled already.
var programs = sync.OnceValues(func() (string, error) {
	if err := noteSources(); err != nil {
		return "", err
	}
	dir, err := os.MkdirTemp("", "postrider-e2e-")
	if err != nil {
		return "", fmt.Errorf("make a directory for the programs: %w", err)
	}
	if err := build("", dir); err != nil {
		return "", errors.Join(err, os.RemoveAll(dir))
	}
	// dev's Postgres may run as another user, who has to get through.
	return dir, os.Chmod(dir, 0o755)
})

// build builds all of cmd in a source tree, "" for this one, into dir.
func build(tree, dir string) error {
	args := []string{"build", "-o", dir + string(filepath.Separator)}
	if tree != "" {
		args = append(args, "-trimpath") // what was built in another directory is found again
	}
	if Race {
		args = append(args, "-race")
	}
	cmd := exec.Command("go", append(args, "github.com/postrider/postrider/cmd/...")...)
	cmd.Dir = tree
	if said, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("build the programs: %w: %s", err, said)
	}
	return nil
}
