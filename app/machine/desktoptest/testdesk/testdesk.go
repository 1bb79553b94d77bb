//go:build linux

// Package testdesk gives a test a private desktop and moves the test's own process onto it.
package testdesk

import (
	"context"
	"log/slog"
	"os"
	"path/filepath"
	"runtime"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"deskbell/app/machine/desktoptest"
)

// Limit is how long a test waits for anything on a busy machine.
const Limit = 20 * time.Second

// Start brings the desktop up, sets its variables in this process, and takes it down after the test. What the test
// leaves in the environment comes back by t.Setenv, so such tests cannot be parallel.
func Start(t *testing.T, opts desktoptest.Options) *desktoptest.Desktop {
	t.Helper()
	opts.Log = Log(t)
	opts.Pictures = pictures()
	d, err := desktoptest.Start(t.Context(), opts)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, d.Close()) })
	Move(t, d)
	return d
}

// Move sets the desktop's variables in this process and takes away those that lead to another desktop.
func Move(t *testing.T, d *desktoptest.Desktop) {
	t.Helper()
	for _, name := range []string{"WAYLAND_DISPLAY", "XAUTHORITY", "XDG_CURRENT_DESKTOP", "DESKTOP_SESSION", "BROWSER", "DISPLAY"} {
		if _, set := os.LookupEnv(name); set {
			t.Setenv(name, "")
			require.NoError(t, os.Unsetenv(name))
		}
	}
	for name, value := range d.Vars() {
		t.Setenv(name, value)
	}
}

// Context is limited by Limit.
func Context(t *testing.T) context.Context {
	ctx, cancel := context.WithTimeout(t.Context(), Limit)
	t.Cleanup(cancel)
	return ctx
}

// Log writes to the test's output.
func Log(t *testing.T) *slog.Logger {
	return slog.New(slog.NewTextHandler(t.Output(), &slog.HandlerOptions{Level: slog.LevelDebug}))
}

// pictures is build/desktop in the repository.
func pictures() string {
	_, here, _, _ := runtime.Caller(0)
	return filepath.Join(filepath.Dir(here), "../../../../build/desktop")
}
