package local

import (
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// stranger is a user who owns nothing here.
var stranger = account{name: "stranger", uid: 54321, gid: 54321, drop: true}

func TestAccount(t *testing.T) {
	t.Parallel()

	t.Run("IsNeverRoot", func(t *testing.T) {
		t.Parallel()
		acct, err := currentAccount()
		must(t, err)
		if acct.uid == 0 || acct.drop != (os.Geteuid() == 0) {
			t.Errorf("got %+v", acct)
		}
	})

	t.Run("IsToldWhichDirectoryIsClosed", func(t *testing.T) {
		t.Parallel()
		closed := filepath.Join(filepath.Dir(openDir(t)), "closed")
		inner := filepath.Join(closed, "inner")
		must(t, os.MkdirAll(inner, 0o755))
		must(t, os.Chmod(closed, 0o700))
		err := stranger.checkReach(inner)
		if err == nil || !strings.Contains(err.Error(), closed+" is closed to others") {
			t.Errorf("got %v", err)
		}
		must(t, os.Chmod(closed, 0o711))
		must(t, stranger.checkReach(inner))
	})

	t.Run("GetsOpenParents", func(t *testing.T) {
		t.Parallel()
		dir := filepath.Join(openDir(t), "a", "b")
		must(t, stranger.mkdir(dir))
		must(t, stranger.mkdir(dir))
	})
}

// TestUnprivilegedUser runs the server as root and as somebody else, as far as
// this process may choose.
func TestUnprivilegedUser(t *testing.T) {
	t.Parallel()
	self, err := currentAccount()
	must(t, err)
	accounts := map[string]account{"Self": {uid: os.Geteuid()}}
	if self.drop {
		self.name = "nobody in particular"
		accounts["Dropped"] = self
	}
	for name, acct := range accounts {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := openDir(t)
			if acct.drop {
				must(t, os.Chown(filepath.Dir(dir), acct.uid, acct.gid))
			}
			h := startHelper(t, acct, dir)
			query(t, h.dsn, "SELECT ''")
			info, err := os.Stat(layout(dir).cluster())
			must(t, err)
			if st, ok := info.Sys().(*syscall.Stat_t); !ok || st.Uid == 0 {
				t.Error("data belongs to root")
			}
			must(t, h.stdin.Close())
			must(t, h.cmd.Wait())
		})
	}
}
