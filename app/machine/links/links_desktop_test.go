//go:build desktop && linux

package links

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"

	"deskbell/app/machine/desktoptest"
	"deskbell/app/machine/desktoptest/testdesk"
)

// program is a stand-in for ours: it writes the links it gets into a pipe.
func program(t *testing.T) (exe string, next func() string) {
	dir := t.TempDir()
	exe, pipe := filepath.Join(dir, "program"), filepath.Join(dir, "pipe")
	require.NoError(t, os.WriteFile(exe, []byte("#!/bin/sh\nprintf '%s\\n' \"$@\" > '"+pipe+"'\n"), 0o755))
	require.NoError(t, unix.Mkfifo(pipe, 0o600))
	return exe, func() string {
		got, err := os.ReadFile(pipe)
		require.NoError(t, err)
		return string(got)
	}
}

func TestLinksOpenUsAndAreGivenBack(t *testing.T) {
	d := testdesk.Start(t, desktoptest.Options{Display: true})
	ctx := testdesk.Context(t)
	exe, next := program(t)
	other := filepath.Join(d.Home(), ".local/share/applications/other-phone.desktop")
	require.NoError(t, os.MkdirAll(filepath.Dir(other), 0o700))
	require.NoError(t, os.WriteFile(other, []byte("[Desktop Entry]\nType=Application\nName=Other\nExec=true %u\nMimeType=x-scheme-handler/tel;\n"), 0o600))
	_, err := d.Run(ctx, "xdg-mime", "default", "other-phone.desktop", "x-scheme-handler/tel")
	require.NoError(t, err)

	r := Registrar{Exe: exe, Args: []string{"open"}, StateDir: t.TempDir()}
	require.NoError(t, r.Install(ctx))
	status, err := r.Status(ctx)
	require.NoError(t, err)
	require.Equal(t, Handler{Scheme: "tel", Name: "other-phone.desktop"}, status[0], "being installed takes nothing")

	require.NoError(t, r.Register(ctx))
	require.NoError(t, r.Register(ctx), "twice does no harm")
	status, err = r.Status(ctx)
	require.NoError(t, err)
	for _, h := range status {
		require.True(t, h.Ours, h.Scheme)
	}
	for _, link := range []string{"tel:+4989123456", "tel:+49%20(89)%20777", "callto:101", "deskbell://enroll?server=s&code=a;$(id)"} {
		// xdg-open stays until the program ends, and the program until its pipe is read.
		opened := make(chan error, 1)
		go func() {
			_, err := d.Run(ctx, "xdg-open", link)
			opened <- err
		}()
		require.Equal(t, "open\n"+link+"\n", next())
		require.NoError(t, <-opened)
	}

	require.NoError(t, r.Unregister(ctx))
	status, err = r.Status(ctx)
	require.NoError(t, err)
	require.Equal(t, []Handler{{Scheme: "tel", Name: "other-phone.desktop"}, {Scheme: "callto"}, {Scheme: "deskbell"}}, status)
	require.NoError(t, r.Unregister(ctx), "nothing to give back is no error")
}
