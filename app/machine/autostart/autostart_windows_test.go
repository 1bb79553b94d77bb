package autostart

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestAutostartSwitches(t *testing.T) {
	const exe = `C:\Program Files\Deskbell\deskbell.exe`
	t.Cleanup(func() { require.NoError(t, Disable()) })
	is := func(exe string, want Status) {
		t.Helper()
		got, err := Get(exe)
		require.NoError(t, err)
		require.Equal(t, want, got)
	}
	is(exe, Off)
	require.NoError(t, Enable(exe, "--hidden"))
	is(exe, On)
	is(`C:\old\deskbell.exe`, Other)
	require.NoError(t, Disable())
	require.NoError(t, Disable())
	is(exe, Off)
}
