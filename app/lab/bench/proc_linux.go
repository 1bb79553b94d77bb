package bench

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// usage is what a process has used up to a moment.
type usage struct {
	at    time.Time
	cpu   time.Duration // on a processor, user and system
	wakes int           // times one of its threads went to sleep by itself and was woken
	rss   int64         // bytes resident now
}

// usageOf reads a running process. The times on a processor are the scheduler's, in nanoseconds; those of ended threads are
// counted by the clock tick, which is all that is left of them.
func usageOf(pid int) (u usage, err error) {
	u.at = time.Now()
	tasks, err := filepath.Glob(fmt.Sprintf("/proc/%d/task/[0-9]*", pid))
	if err != nil || len(tasks) == 0 {
		return u, errors.Join(fmt.Errorf("process %d is gone", pid), err)
	}
	for _, task := range tasks {
		cpu, wakes, err := ofTask(task)
		if errors.Is(err, fs.ErrNotExist) {
			continue // ended meanwhile
		}
		if err != nil {
			return u, err
		}
		u.cpu += cpu
		u.wakes += wakes
	}
	u.rss, err = resident(pid)
	return u, err
}

func ofTask(task string) (cpu time.Duration, wakes int, err error) {
	stat, err := os.ReadFile(task + "/schedstat")
	if err != nil {
		return 0, 0, fmt.Errorf("read a process: %w", err)
	}
	first, _, _ := bytes.Cut(stat, []byte(" "))
	nanos, err := strconv.ParseInt(string(first), 10, 64)
	if err != nil {
		return 0, 0, fmt.Errorf("read a process: %w", err)
	}
	n, err := statusNumber(task+"/status", "voluntary_ctxt_switches:")
	return time.Duration(nanos), int(n), err
}

// resident is a process's memory that is not swapped out, files it has mapped included.
func resident(pid int) (int64, error) {
	kib, err := statusNumber(fmt.Sprintf("/proc/%d/status", pid), "VmRSS:")
	return kib << 10, err
}

func statusNumber(path, name string) (int64, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return 0, fmt.Errorf("read a process: %w", err)
	}
	for line := range strings.Lines(string(data)) {
		if rest, ok := strings.CutPrefix(line, name); ok {
			n, err := strconv.ParseInt(strings.Fields(rest)[0], 10, 64)
			if err != nil {
				return 0, fmt.Errorf("read a process: %w", err)
			}
			return n, nil
		}
	}
	return 0, fmt.Errorf("%s has no %s", path, name)
}

// cpuTime is what a process with many short-lived threads used, exact to a clock tick of 10 ms.
func cpuTime(pid int) (time.Duration, error) {
	data, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return 0, fmt.Errorf("read a process: %w", err)
	}
	// The second field is the program's name in brackets and may hold anything.
	fields := strings.Fields(string(data[bytes.LastIndexByte(data, ')')+1:]))
	const user, system = 11, 12
	if len(fields) <= system {
		return 0, fmt.Errorf("process %d: short stat", pid)
	}
	var ticks int64
	for _, f := range []string{fields[user], fields[system]} {
		n, err := strconv.ParseInt(f, 10, 64)
		if err != nil {
			return 0, fmt.Errorf("read a process: %w", err)
		}
		ticks += n
	}
	return time.Duration(ticks) * 10 * time.Millisecond, nil
}

// busy is how much other work the machine had in the last minute, in processors.
func busy() float64 {
	data, err := os.ReadFile("/proc/loadavg")
	if err != nil {
		return 0
	}
	first, _, _ := strings.Cut(string(data), " ")
	load, err := strconv.ParseFloat(first, 64)
	if err != nil {
		return 0
	}
	return load
}
