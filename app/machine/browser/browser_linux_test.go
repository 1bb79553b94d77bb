package browser

import (
	"context"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// opener puts a script in the place of xdg-open.
func opener(t *testing.T, script string) string {
	dir := t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(dir, "xdg-open"), []byte("#!/bin/sh\n"+script), 0o755))
	t.Setenv("PATH", dir)
	return dir
}

func TestLinkArrivesAsOneArgument(t *testing.T) {
	dir := opener(t, `printf '%s|' "$#" "$1" > "${0%/*}/got"; echo noise; echo noise >&2`)
	link := "https://crm.example/?n=$(id);`id`&x='1'|y"
	require.NoError(t, Open(t.Context(), link, nil))
	got, err := os.ReadFile(filepath.Join(dir, "got"))
	require.NoError(t, err)
	require.Equal(t, "1|"+link+"|", string(got))
}

func TestOpenerThatStaysIsNotWaitedFor(t *testing.T) {
	dir := opener(t, `echo > "${0%/*}/started"; read line < "${0%/*}/end"`)
	require.NoError(t, makePipe(filepath.Join(dir, "end")))
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	require.NoError(t, Open(ctx, "https://crm.example/", nil))
	require.FileExists(t, filepath.Join(dir, "started"))
	require.NoError(t, os.WriteFile(filepath.Join(dir, "end"), []byte("now\n"), 0))
}

func TestMissingProgramsAreTold(t *testing.T) {
	opener(t, "exit 3")
	require.ErrorIs(t, Open(t.Context(), "https://crm.example/", nil), ErrNoBrowser)
	opener(t, "exit 4")
	require.ErrorIs(t, Open(t.Context(), "https://crm.example/", nil), ErrNoBrowser)
	opener(t, "exit 1")
	err := Open(t.Context(), "https://crm.example/", nil)
	require.Error(t, err)
	require.NotErrorIs(t, err, ErrNoBrowser)
	t.Setenv("PATH", t.TempDir())
	require.ErrorIs(t, Open(t.Context(), "https://crm.example/", nil), ErrNoBrowser)
}
