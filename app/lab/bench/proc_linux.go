package bench

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// work is what a process did in a time.
type work struct {
	cpu   time.Duration // on a processor, user and system, of all threads
	wakes int           // times a thread went to sleep by itself and was woken
	rss   int64         // bytes resident, at the end
	span  time.Duration
}

// watch counts a process's work. Threads come and go, and the counts of one that ended are gone with it, so it looks often;
// what a thread did after the last look at it is not counted.
type watch struct {
	pid   int
	begun time.Time
	first map[string]threadWork // when the watch began
	last  map[string]threadWork
}

type threadWork struct {
	cpu   time.Duration
	wakes int
}

func newWatch(pid int) (*watch, error) {
	w := &watch{pid: pid, begun: time.Now(), last: map[string]threadWork{}}
	if err := w.look(); err != nil {
		return nil, err
	}
	w.first = maps.Clone(w.last)
	return w, nil
}

func (w *watch) look() error {
	tasks, err := filepath.Glob(fmt.Sprintf("/proc/%d/task/[0-9]*", w.pid))
	if err != nil || len(tasks) == 0 {
		return errors.Join(fmt.Errorf("process %d is gone", w.pid), err)
	}
	for _, task := range tasks {
		cpu, wakes, err := ofTask(task)
		switch {
		case errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.ESRCH): // ended meanwhile
		case err != nil:
			return err
		default:
			w.last[task] = threadWork{cpu, wakes}
		}
	}
	return nil
}

// end gives what was done since the watch began.
func (w *watch) end() (d work, err error) {
	if err := w.look(); err != nil {
		return d, err
	}
	d.span = time.Since(w.begun)
	for task, t := range w.last {
		d.cpu += t.cpu - w.first[task].cpu
		d.wakes += t.wakes - w.first[task].wakes
	}
	d.rss, err = resident(w.pid)
	return d, err
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
