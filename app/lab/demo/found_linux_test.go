package demo

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"deskbell/app/machine/autostart"
	"deskbell/app/machine/links"
)

func TestTheDesktopIsPutBack(t *testing.T) {
	config, data, out := t.TempDir(), filepath.Join(t.TempDir(), "share"), t.TempDir()
	t.Setenv("XDG_CONFIG_HOME", config)
	t.Setenv("XDG_DATA_HOME", data)
	list := filepath.Join(config, "mimeapps.list")
	before := "[Default Applications]\nx-scheme-handler/tel=phone.desktop\n\n# by hand\n"
	require.NoError(t, os.WriteFile(list, []byte(before), 0o600))

	_, err := findDesktop(Options{Out: out})
	require.NoError(t, err)
	for _, path := range []string{list, filepath.Join(data, "applications", links.FileName), filepath.Join(config, "autostart", autostart.FileName)} {
		require.NoError(t, os.MkdirAll(filepath.Dir(path), 0o700))
		require.NoError(t, os.WriteFile(path, []byte("ours"), 0o600))
	}

	// The run was cut off: the next one puts back what the first found.
	f, err := findDesktop(Options{Out: out})
	require.NoError(t, err)
	require.NoError(t, f.restore())
	text, err := os.ReadFile(list)
	require.NoError(t, err)
	require.Equal(t, before, string(text))
	require.NoDirExists(t, data)
	require.NoDirExists(t, filepath.Join(config, "autostart"))
	require.NoFileExists(t, filepath.Join(out, foundFile))
}
