package main

import (
	"os"
	"path/filepath"
	"strings"
)

// console is the twin of the resident program that has a console, on Windows; windowed is the one without.
const (
	console  = "deskbellctl.exe"
	windowed = "deskbell.exe"
)

// executable is the program that links and the start of a session are to run: never the twin with a console, whose window
// would stand there for as long as it runs.
func executable() (string, error) {
	exe, err := os.Executable()
	if err != nil {
		return "", err
	}
	return beside(exe, func(path string) bool { _, err := os.Stat(path); return err == nil }), nil
}

// beside gives the twin without a console, if exe is the one with it and the twin is there.
func beside(exe string, there func(string) bool) string {
	if strings.EqualFold(filepath.Base(exe), console) {
		if twin := filepath.Join(filepath.Dir(exe), windowed); there(twin) {
			return twin
		}
	}
	return exe
}
