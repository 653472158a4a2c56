package redistest

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
)

// busOffset is from a server's port to that of its cluster bus: below those, too, that
// the kernel hands out. Redis's own is 10000.
const busOffset = 500

// hashSlots of a cluster.
const hashSlots = 16384

// Cluster starts empty masters, each with an equal part of the slots, that know each
// other. One that is stopped counts as gone after a second; started again it has its
// slots, and nothing in them.
func Cluster(t testing.TB, masters int, args ...string) []*Server {
	t.Helper()
	nodes := make([]*Server, masters)
	for n := range nodes {
		nodes[n] = start(t, &Server{args: func(port int) []string {
			return append([]string{
				"--port", strconv.Itoa(port), "--cluster-port", strconv.Itoa(bus(port)),
				"--cluster-enabled", "yes", "--cluster-node-timeout", "1000",
			}, args...)
		}})
	}
	for n, node := range nodes {
		node.Do(t, func(ctx context.Context, c *redis.Client) error {
			if err := c.Do(ctx, "cluster", "set-config-epoch", n+1).Err(); err != nil {
				return err
			}
			return c.ClusterAddSlotsRange(ctx, hashSlots*n/masters, hashSlots*(n+1)/masters-1).Err()
		})
	}
	for _, node := range nodes[1:] {
		node.Do(t, func(ctx context.Context, c *redis.Client) error {
			return c.Do(ctx, "cluster", "meet", "127.0.0.1", nodes[0].Port(), bus(nodes[0].Port())).Err()
		})
	}
	awaitCluster(t, nodes)
	return nodes
}

func bus(port int) int { return port + busOffset }

// awaitCluster waits until every node knows all slots.
func awaitCluster(t testing.TB, nodes []*Server) {
	t.Helper()
	for _, node := range nodes {
		eventually(t, "the cluster is there for "+node.Addr(), func() bool {
			var info string
			node.Do(t, func(ctx context.Context, c *redis.Client) (err error) {
				info, err = c.ClusterInfo(ctx).Result()
				return err
			})
			return strings.Contains(info, "cluster_state:ok") && strings.Contains(info, fmt.Sprintf("cluster_size:%d\r\n", len(nodes)))
		})
	}
}

func eventually(t testing.TB, claim string, so func() bool) {
	t.Helper()
	deadline := time.Now().Add(limit)
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for !so() {
		if time.Now().After(deadline) {
			t.Fatalf("not within %s: %s", limit, claim)
		}
		<-tick.C
	}
}

// Addrs are the servers', with commas between them.
func Addrs(servers []*Server) string {
	addrs := make([]string, len(servers))
	for n, s := range servers {
		addrs[n] = s.Addr()
	}
	return strings.Join(addrs, ",")
}
