package main

import (
	"log/slog"
	"math"
	"os"
	"runtime/debug"
	"strconv"
	"strings"
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
