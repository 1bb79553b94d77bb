//go:build failpoint

// Package failpoint kills the program at chosen moments, for the tests that prove that nothing is lost.
//
// DESKBELL_FAILPOINT=name[:count] names the moment: event-read, log-committed, pop-claimed or started, and at which pass.
package failpoint

import (
	"os"
	"strconv"
	"strings"
	"sync/atomic"
)

var (
	wanted string
	left   atomic.Int64
)

func init() {
	name, count, _ := strings.Cut(os.Getenv("DESKBELL_FAILPOINT"), ":")
	n, err := strconv.ParseInt(count, 10, 64)
	if err != nil || n < 1 {
		n = 1
	}
	wanted = name
	left.Store(n)
}

// Hit kills the program, without any cleaning up, when the chosen moment is passed for the chosen time.
func Hit(name string) {
	if name != wanted || left.Add(-1) != 0 {
		return
	}
	p, err := os.FindProcess(os.Getpid())
	if err == nil {
		err = p.Kill()
	}
	if err != nil {
		os.Exit(137)
	}
	select {} // until the signal arrives
}
