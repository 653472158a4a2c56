package local

import (
	"os"
	"os/exec"
	"syscall"
	"testing"
)

// startSleep starts a shell that ignores interrupts.
func startSleep(t *testing.T) *Child {
	t.Helper()
	c, err := StartChild(exec.Command("sh", "-c", "trap '' INT; exec tail -f /dev/null"))
	must(t, err)
	return c
}

func processGroup(t *testing.T, pid int) int {
	t.Helper()
	group, err := syscall.Getpgid(pid)
	must(t, err)
	return group
}

func TestKilledProcess(t *testing.T) {
	t.Parallel()

	t.Run("LeavesNoPostgresBehind", func(t *testing.T) {
		t.Parallel()
		dir := openDir(t)
		h := startHelper(t, account{}, dir)
		cluster := layout(dir).cluster()
		if !servesCluster(h.postgresPid, cluster) {
			t.Fatalf("process %d is not the server", h.postgresPid)
		}
		must(t, h.cmd.Process.Kill())
		eventually(t, "Postgres ended", func() bool { return !servesCluster(h.postgresPid, cluster) })
	})

	t.Run("LosesNothingAndIsFollowedAtOnce", func(t *testing.T) {
		t.Parallel()
		dir := openDir(t)
		h := startHelper(t, account{}, dir)
		keep(t, h.dsn, "before the kill")
		must(t, h.cmd.Process.Kill())
		_ = h.cmd.Wait() // "signal: killed"
		p := start(t, PostgresConfig{DataDir: dir})
		if got := query(t, p.DSN(""), "SELECT text FROM kept"); got != "before the kill" {
			t.Errorf("got %q", got)
		}
	})
}

func TestChild(t *testing.T) {
	t.Parallel()

	t.Run("IsOutOfReachOfCtrlC", func(t *testing.T) {
		t.Parallel()
		c := startSleep(t)
		defer c.Stop(bounded(t), 0)
		if group := processGroup(t, c.Pid()); group != c.Pid() {
			t.Errorf("in process group %d", group)
		}
	})

	t.Run("IsKilledIfItIgnoresSignals", func(t *testing.T) {
		t.Parallel()
		c := startSleep(t)
		c.Stop(bounded(t), 0, os.Interrupt)
		if c.Err() == nil {
			t.Error("it ended by itself")
		}
	})

	t.Run("ThatIsMissingIsAnError", func(t *testing.T) {
		t.Parallel()
		if _, err := StartChild(exec.Command("/no/such/program")); err == nil {
			t.Error("started")
		}
	})
}
