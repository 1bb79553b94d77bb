//go:build !windows

package main

import "os"

// exit ends the process.
func exit(code int) { os.Exit(code) }
