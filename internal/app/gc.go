package app

import (
	"context"
	"os"
	"runtime/debug"
	"runtime/metrics"
	"time"
)

// TuneGC trades memory for speed, up to a soft limit: with a small heap Go would
// collect hundreds of times a second. Where much of the memory is in use, by many
// endpoints, say, the limit rises, or Go would do little else than collect. GOGC and
// GOMEMLIMIT, where set, win. It returns at once and goes on until ctx ends.
func TuneGC(ctx context.Context, limit int64) {
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(400)
	}
	if os.Getenv("GOMEMLIMIT") != "" {
		return
	}
	debug.SetMemoryLimit(limit)
	go func() {
		tick := time.NewTicker(time.Second)
		defer tick.Stop()
		last := limit
		for {
			select {
			case <-tick.C:
			case <-ctx.Done():
				return
			}
			// To set it stops everything for a moment.
			if next := limitFor(inUse(), limit); next > last+last/10 || next < last-last/10 {
				debug.SetMemoryLimit(next)
				last = next
			}
		}
	}()
}

// limitFor leaves at least as much as is in use to what is garbage before the next
// collection.
func limitFor(inUse, least int64) int64 { return max(least, 2*inUse) }

// inUse is what the last collection found in use, and stacks.
func inUse() (bytes int64) {
	samples := []metrics.Sample{{Name: "/gc/heap/live:bytes"}, {Name: "/memory/classes/heap/stacks:bytes"}}
	metrics.Read(samples)
	for _, s := range samples {
		if s.Value.Kind() == metrics.KindUint64 {
			bytes += int64(s.Value.Uint64())
		}
	}
	return bytes
}
