// Command deskbell is the resident tray app, and the command line of the one that runs.
package main

import (
	"fmt"
	"os"
)

// Exit codes.
const (
	exitOK         = 0
	exitFailed     = 1 // refused, or did not work; the sentence is on standard error
	exitUsage      = 2
	exitNotRunning = 3
	exitNeedsYes   = 4 // a question was not answered with yes
)

func main() {
	p, err := newProgram()
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		exit(exitFailed)
	}
	exit(p.execute(os.Args[1:]))
}
