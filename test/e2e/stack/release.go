package stack

import (
	"bytes"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/postrider/postrider/db"
)

// releaseVar names the commit that stands for the release before, where the rule
// below finds none or another one is wanted.
const releaseVar = "POSTRIDER_E2E_RELEASE"

// ReleaseBefore builds the programs of the release before this tree, and returns
// where they are and what they are of: the newest tag v… before the present
// commit, or, as long as there is none, the commit before the one that brought the
// newest migration to this line. Without history the test is skipped.
func ReleaseBefore(t testing.TB) (programs, commit string) {
	t.Helper()
	root := git(t, "rev-parse", "--show-toplevel")
	commit = releaseBefore(t, root)
	tree, out := filepath.Join(Dir(t), "tree"), Dir(t)
	if err := os.Mkdir(tree, 0o755); err != nil {
		t.Fatal(err)
	}
	archive := exec.Command("git", "-C", root, "archive", "--format=tar", commit)
	unpack := exec.Command("tar", "-x", "-C", tree)
	var archiveSaid, unpackSaid bytes.Buffer // both run at once
	archive.Stderr, unpack.Stderr = &archiveSaid, &unpackSaid
	pipe, err := archive.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	unpack.Stdin = pipe
	if err := archive.Start(); err != nil {
		t.Fatal(err)
	}
	unpackErr := unpack.Run()
	archiveErr := archive.Wait()
	if unpackErr != nil || archiveErr != nil {
		t.Fatalf("get the source of %s: %v: %s, %v: %s", commit, archiveErr, archiveSaid.String(), unpackErr, unpackSaid.String())
	}
	if err := build(tree, out); err != nil {
		t.Fatalf("%s: %v", commit, err)
	}
	return out, commit
}

func releaseBefore(t testing.TB, root string) string {
	t.Helper()
	if named := os.Getenv(releaseVar); named != "" {
		return git(t, "rev-parse", "--verify", named+"^{commit}")
	}
	head := git(t, "rev-parse", "HEAD")
	for tag := range strings.FieldsSeq(git(t, "tag", "--list", "v*", "--merged", "HEAD", "--sort=-version:refname")) {
		if at := git(t, "rev-parse", tag+"^{commit}"); at != head {
			return at
		}
	}
	migrations, err := fs.Glob(db.Schema, "schema/*.sql") // sorted
	if err != nil {
		t.Fatal(err)
	}
	newest := "db/" + migrations[len(migrations)-1]
	added := strings.Fields(git(t, "-C", root, "log", "--first-parent", "-m", "--diff-filter=A", "--format=%H", "--", newest))
	if len(added) == 0 {
		return head // the migration is not committed yet
	}
	first := added[len(added)-1]
	parent, err := exec.Command("git", "-C", root, "rev-parse", "--verify", "--quiet", first+"^").Output()
	if err != nil {
		t.Skipf("the history does not reach to before %s: set %s", newest, releaseVar)
	}
	return strings.TrimSpace(string(parent))
}

// git runs git in this tree. Where that can't be, there is no history.
func git(t testing.TB, args ...string) string {
	t.Helper()
	cmd := exec.Command("git", args...)
	var failed bytes.Buffer
	cmd.Stderr = &failed
	out, err := cmd.Output()
	if err != nil {
		if os.Getenv(releaseVar) != "" {
			t.Fatalf("git %s: %v: %s", args[0], err, failed.String())
		}
		t.Skipf("no history to build an older release from: git %s: %v: %s", args[0], err, failed.String())
	}
	return strings.TrimSpace(string(out))
}
