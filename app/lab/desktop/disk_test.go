//go:build desktop && linux

package desktop

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"deskbell/app/desk/view"
	"deskbell/app/machine/desktoptest/testdesk"
)

// smallDisk runs the server with its data on a disk of 6 MiB of its own, once a file named "small" lies beside the script. A
// user other than root gets his own user namespace for it; inside a chroot mounts cannot be made private, nor need be.
const smallDisk = `#!/bin/sh
program=%q data=%q
[ "$1" = serve ] && [ -e "$0.small" ] || exec "$program" "$@"
own=; [ "$(id -u)" = 0 ] || own=-r
private=; unshare $own -m true 2>/dev/null || private="--propagation unchanged"
exec unshare $own -m $private sh -c '
	program=$1 data=$2; shift 2
	cp -a "$data" "$data.kept" && mount -t tmpfs -o size=6m none "$data" && cp -a "$data.kept/." "$data" && exec "$program" "$@"
' sh "$program" "$data" "$@"
`

func TestFullDiskNeverSilencesARing(t *testing.T) {
	t.Parallel()
	script := ""
	b := open(t, options{wrap: func(dir string) (string, error) {
		script = filepath.Join(dir, "small-disk")
		if err := os.MkdirAll(dir, 0o700); err != nil {
			return "", err
		}
		return script, os.WriteFile(script, fmt.Appendf(nil, smallDisk, program("deskbelld"), filepath.Join(dir, "data")), 0o700)
	}})
	require.NoError(t, os.WriteFile(script+".small", nil, 0o600))
	require.NoError(t, b.stage.StopServer())
	server, err := b.stage.StartServer(testdesk.Context(t))
	require.NoError(t, err)
	b.settled()

	// The disk is seen through the server's own eyes: nobody else has it.
	filler := filepath.Join("/proc", fmt.Sprint(server.PID()), "root", b.stage.DataDir(), "filler")
	written, err := fill(filler)
	require.ErrorContains(t, err, "no space left")
	t.Logf("%d bytes were free", written)

	full := func(s view.State) bool { return troubleAt(s, "log_full") >= 0 }
	for rings := 0; ; rings++ {
		require.Less(t, rings, 40, "the disk never got full")
		b.next()
		uuid := b.ring(strangerNumber)
		toast := b.announced()
		require.Equal(t, "01522 8817386", toast.Title)
		require.NoError(t, b.lab().CallerHangsUp(uuid))
		b.closed(toast)
		b.quiet()
		if s, err := b.tryState(); err == nil && full(s) {
			t.Logf("%d calls fitted", rings)
			break
		}
	}
	require.Equal(t, "The server cannot store calls. Calls still appear; tell your administrator.", b.trouble("log_full"))
	h, err := b.health()
	require.NoError(t, err)
	require.Equal(t, "trouble", h.Status)
	require.False(t, h.Log.OK)
	require.Equal(t, "Calls cannot be stored. Check the disk: free space and write access.", h.Log.Sentence)

	// Calls go on as if nothing were wrong.
	b.next()
	uuid := b.ring(vipNumber)
	toast := b.titled(vipName + " (VIP)")
	b.picture("full-disk")
	require.NoError(t, b.lab().Answer("101"))
	b.closed(toast)
	// Who opens the page cannot be written down, and opening twice would be worse: so it is left to a press.
	b.press(b.titled("Customer not opened: "+vipName+" (VIP)"), "Open now")
	b.page("17")
	require.NoError(t, b.lab().CallerHangsUp(uuid))
	b.quiet()
	require.Equal(t, 1, b.pages())

	require.NoError(t, os.Remove(filler))
	b.healed("log_full")
	b.state("the call is in the list after all", func(s view.State) bool {
		return len(s.Entries) > 0 && s.Entries[0].Number == vipNumber && s.Entries[0].Result == "answered"
	})
}

// fill writes until the disk is full.
func fill(path string) (written int, err error) {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		return 0, err
	}
	defer func() { _ = f.Close() }() // everything was told by then
	for block := make([]byte, 1024); ; {
		n, err := f.Write(block)
		written += n
		if err != nil {
			return written, err
		}
	}
}
