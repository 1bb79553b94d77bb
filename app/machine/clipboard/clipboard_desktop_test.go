//go:build desktop && linux

package clipboard

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/jezek/xgb"
	"github.com/jezek/xgb/xproto"
	"github.com/stretchr/testify/require"

	"deskbell/app/machine/desktoptest"
	"deskbell/app/machine/desktoptest/testdesk"
)

// put lets xclip own the clipboard, as any program would.
func put(t *testing.T, d *desktoptest.Desktop, text string) {
	path := filepath.Join(t.TempDir(), "text")
	require.NoError(t, os.WriteFile(path, []byte(text), 0o600))
	_, gone, end, err := d.Spawn("xclip", "-quiet", "-selection", "clipboard", "-in", path)
	require.NoError(t, err)
	t.Cleanup(end)
	ctx := testdesk.Context(t)
	for {
		_, err := Read(ctx)
		if err == nil || errors.Is(err, ErrTooLarge) {
			return
		}
		select {
		case <-gone:
			require.Fail(t, "xclip ended; is it installed (Debian: xclip)?")
		case <-ctx.Done():
			require.NoError(t, err)
		default:
		}
	}
}

func TestTextOfAnotherProgramIsRead(t *testing.T) {
	d := testdesk.Start(t, desktoptest.Options{Display: true})
	_, err := Read(t.Context())
	require.ErrorIs(t, err, ErrEmpty)
	put(t, d, "+49 89 1234-567 Büro")
	text, err := Read(t.Context())
	require.NoError(t, err)
	require.Equal(t, "+49 89 1234-567 Büro", text)
}

func TestHugeTextIsRefused(t *testing.T) {
	d := testdesk.Start(t, desktoptest.Options{Display: true})
	put(t, d, strings.Repeat("x", MaxBytes+1))
	_, err := Read(t.Context())
	require.ErrorIs(t, err, ErrTooLarge)
}

func TestOwnerThatNeverAnswersIsNotWaitedFor(t *testing.T) {
	testdesk.Start(t, desktoptest.Options{Display: true})
	conn, err := xgb.NewConn()
	require.NoError(t, err)
	defer conn.Close()
	a, err := names(conn)
	require.NoError(t, err)
	window, err := xproto.NewWindowId(conn)
	require.NoError(t, err)
	screen := xproto.Setup(conn).DefaultScreen(conn)
	require.NoError(t, xproto.CreateWindowChecked(conn, 0, window, screen.Root, 0, 0, 1, 1, 0, xproto.WindowClassInputOnly, screen.RootVisual, 0, nil).Check())
	require.NoError(t, xproto.SetSelectionOwnerChecked(conn, window, a.clipboard, xproto.TimeCurrentTime).Check())
	_, err = Read(t.Context())
	require.ErrorIs(t, err, context.DeadlineExceeded)
}

func TestNoDisplayIsAState(t *testing.T) {
	t.Setenv("DISPLAY", "")
	_, err := Read(t.Context())
	require.ErrorIs(t, err, ErrNone)
	t.Setenv("DISPLAY", ":9999")
	_, err = Read(t.Context())
	require.ErrorIs(t, err, ErrNone)
}
