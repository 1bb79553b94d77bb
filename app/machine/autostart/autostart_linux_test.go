package autostart

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestAutostartSwitches(t *testing.T) {
	config, system := t.TempDir(), t.TempDir()
	t.Setenv("XDG_CONFIG_HOME", config)
	t.Setenv("XDG_CONFIG_DIRS", system)
	const exe = "/opt/my programs/deskbell"
	is := func(want Status) {
		t.Helper()
		got, err := Get(exe)
		require.NoError(t, err)
		require.Equal(t, want, got)
	}
	is(Off)
	require.NoError(t, Enable(exe, "--hidden"))
	is(On)
	entry, err := os.ReadFile(filepath.Join(config, "autostart", FileName))
	require.NoError(t, err)
	require.Contains(t, string(entry), `Exec="/opt/my programs/deskbell" --hidden`)
	require.NoError(t, Disable())
	is(Off)

	packaged := filepath.Join(system, "autostart", FileName)
	require.NoError(t, os.MkdirAll(filepath.Dir(packaged), 0o755))
	require.NoError(t, os.WriteFile(packaged, []byte("[Desktop Entry]\nExec=/usr/bin/deskbell\n"), 0o644))
	is(Off)
	require.NoError(t, os.Remove(filepath.Join(config, "autostart", FileName)))
	is(Other)
}
