package stack

import (
	"crypto/sha256"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"sync"
	"syscall"
	"testing"

	"github.com/postrider/postrider/internal/local"
)

// Main is a TestMain. Most of these tests wait for others, so more of them run at
// once than there are cores.
func Main(m *testing.M) {
	flag.Parse()
	given := false
	flag.Visit(func(f *flag.Flag) { given = given || f.Name == parallelFlag })
	if !given {
		if err := flag.Set(parallelFlag, strconv.Itoa(atOnce)); err != nil {
			panic(err) // the testing package always has this flag
		}
	}
	os.Exit(m.Run())
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

// programs builds all of cmd once in a process, and returns where: in a directory of
// this checkout's that is kept, so that of many packages' tests the first links them.
// With the race detector in the test it is in the programs, too: they end with an
// error when it finds something, and what they are made of is compiled already.
var programs = sync.OnceValues(func() (string, error) {
	root, err := noteSources()
	if err != nil {
		return "", err
	}
	cache, err := local.CacheDir()
	if err != nil {
		return "", err
	}
	dir := filepath.Join(cache, "test", fmt.Sprintf("programs-%x", sha256.Sum256(fmt.Append(nil, root, Race)))[:40])
	// dev's Postgres may run as another user, who has to get through.
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return "", fmt.Errorf("make a directory for the programs: %w", err)
	}
	lock, err := os.OpenFile(filepath.Join(dir, "lock"), os.O_CREATE|os.O_RDWR, 0o644)
	if err != nil {
		return "", fmt.Errorf("lock the programs: %w", err)
	}
	defer lock.Close() // which lets go
	if err := syscall.Flock(int(lock.Fd()), syscall.LOCK_EX); err != nil {
		return "", fmt.Errorf("lock the programs: %w", err)
	}
	return dir, build("", dir)
})

// build builds all of cmd in a source tree, "" for this one, into dir.
func build(tree, dir string) error {
	args := []string{"build", "-o", dir + string(filepath.Separator)}
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
