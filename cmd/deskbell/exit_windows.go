package main

import (
	"os"

	"golang.org/x/sys/windows"
)

// exit ends the process without asking its libraries to end first: all of ours is closed by now, and one that plays sound
// may wait there for a thread that is gone already (seen with wine's), for ever and with nothing on screen.
func exit(code int) {
	_ = windows.TerminateProcess(windows.CurrentProcess(), uint32(code)) //nolint:gosec // codes are small
	os.Exit(code)
}
