package e2e

import (
	"net"
	"os"
	"path/filepath"
	"testing"

	"github.com/postrider/postrider/internal/app"
	"github.com/postrider/postrider/internal/config"
	"github.com/postrider/postrider/test/e2e/stack"
	"github.com/postrider/postrider/test/hostile"
)

// nameServer makes this program one of the servers, after which it is called then:
// the real one in all but that it asks a test's name server. What is in resolv.conf
// is the machine's, and no setting of Postrider's.
const nameServer = "E2E_NAME_SERVER"

// serveInstead does not return in a server.
func serveInstead() {
	if addr := os.Getenv(nameServer); addr != "" {
		net.DefaultResolver = hostile.Resolver(addr)
		os.Exit(app.Main(config.Role(filepath.Base(os.Args[0])), os.Args[1:]))
	}
}

// asking is the stack with servers that ask the name server.
func asking(t *testing.T, names *hostile.NameServer, s *stack.Stack) *stack.Stack {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	dir := stack.Dir(t)
	for _, role := range []config.Role{config.RoleAPI, config.RoleWorker, config.RoleScheduler} {
		if err := os.Symlink(self, filepath.Join(dir, string(role))); err != nil {
			t.Fatal(err)
		}
	}
	s.Env = append(s.Env, nameServer+"="+names.Addr())
	return s.Release(dir)
}
