package redistest

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"testing"

	"github.com/redis/go-redis/v9"
)

// MasterName is what a Sentinel calls its master.
const MasterName = "main"

// Sentinel starts one that looks after the master, alone: its own word is enough. A
// master that is away for a second is replaced by one of its replicas, which Sentinel
// has met when this returns.
func Sentinel(t testing.TB, master *Server, replicas ...*Server) *Server {
	t.Helper()
	file := filepath.Join(t.TempDir(), "sentinel.conf")
	conf := fmt.Sprintf("sentinel monitor %[1]s 127.0.0.1 %[2]d 1\nsentinel down-after-milliseconds %[1]s 1000\nsentinel failover-timeout %[1]s 5000\n",
		MasterName, master.Port())
	if err := os.WriteFile(file, []byte(conf), 0o600); err != nil {
		t.Fatal(err)
	}
	s := start(t, &Server{file: file, args: func(port int) []string { return []string{"--port", strconv.Itoa(port), "--sentinel"} }})
	eventually(t, "the sentinel knows all replicas", func() bool {
		ready := 0
		s.Do(t, func(ctx context.Context, c *redis.Client) error {
			asks := redis.NewSentinelClient(c.Options())
			defer asks.Close()
			known, err := asks.Replicas(ctx, MasterName).Result()
			for _, one := range known {
				if one["master-link-status"] == "ok" {
					ready++
				}
			}
			return err
		})
		return ready == len(replicas)
	})
	return s
}

// Replica starts a server that follows the master.
func Replica(t testing.TB, master *Server, args ...string) *Server {
	t.Helper()
	return New(t, append([]string{"--replicaof", "127.0.0.1", strconv.Itoa(master.Port())}, args...)...)
}
