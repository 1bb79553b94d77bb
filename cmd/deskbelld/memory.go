package main

import (
	"context"
	"log/slog"
	"math"
	"os"
	"runtime"
	"runtime/debug"
	"runtime/metrics"
	"strconv"
	"strings"
	"time"
)

// gcPercent lets the heap grow to five times what lives: most of it lives long, and collecting is what costs.
const gcPercent = 400

// tuneMemory trades memory for work, up to half of what this machine or container has. GOGC and GOMEMLIMIT win.
func tuneMemory(log *slog.Logger) {
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(gcPercent)
	}
	if limit := memory() / 2; os.Getenv("GOMEMLIMIT") == "" && limit > 0 {
		debug.SetMemoryLimit(limit)
		log.Debug("memory limit set", "bytes", limit)
	}
}

const (
	lookAtRest = 500 * time.Millisecond // how often it is seen whether the server rests
	restRate   = 2 << 20                // bytes allocated between two looks, below which it does
	spareMin   = 16 << 20               // less is not worth a collection
)

// giveBack returns to the system, once the server rests, what a burst has left behind: thousands of trays that come back at
// once leave several times what they need. Under load nothing is done; the collector's own pace is the right one then.
func giveBack(ctx context.Context) error {
	tick := time.NewTicker(lookAtRest)
	defer tick.Stop()
	samples := []metrics.Sample{
		{Name: "/gc/heap/allocs:bytes"}, {Name: "/gc/heap/live:bytes"}, {Name: "/memory/classes/heap/objects:bytes"},
		{Name: "/memory/classes/heap/free:bytes"}, {Name: "/memory/classes/heap/unused:bytes"},
	}
	var allocated uint64
	for resting := 0; ; {
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
		metrics.Read(samples)
		value := func(i int) uint64 { return samples[i].Value.Uint64() }
		resting++
		if value(0)-allocated > restRate {
			resting = 0
		}
		allocated = value(0)
		live, held := value(1), value(2)+value(3)+value(4)
		if resting >= 2 && held > live+max(spareMin, live/2) {
			runtime.GC() // each collection halves the stacks that have become too large
			debug.FreeOSMemory()
			resting = 0
		}
	}
}

// memory is what this process may use: the machine's or the container's memory; 0 if that is not known.
func memory() int64 {
	least := int64(math.MaxInt64)
	if total := firstNumber("/proc/meminfo", "MemTotal:"); total > 0 {
		least = total << 10
	}
	for _, file := range []string{"/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes"} {
		if limit := firstNumber(file, ""); limit > 0 {
			least = min(least, limit)
		}
	}
	if least == math.MaxInt64 {
		return 0
	}
	return least
}

// firstNumber reads the number after a word in a small system file.
func firstNumber(file, after string) int64 {
	content, err := os.ReadFile(file)
	if err != nil {
		return 0
	}
	_, rest, found := strings.Cut(string(content), after)
	if fields := strings.Fields(rest); found && len(fields) > 0 {
		if n, err := strconv.ParseInt(fields[0], 10, 64); err == nil {
			return n
		}
	}
	return 0
}
