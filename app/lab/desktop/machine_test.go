//go:build desktop && linux

package desktop

import (
	"html"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"deskbell/app/desk/view"
	"deskbell/app/machine/desktoptest"
	"deskbell/app/machine/desktoptest/testdesk"
)

func TestNotificationDaemonIsMissingAndComesLater(t *testing.T) {
	t.Parallel()
	opts := desktoptest.Full()
	opts.Notifications = false
	b := open(t, options{desktop: &opts, troubled: true})
	const said = "Notifications cannot be shown. Start a notification service; calls are in the tray menu."
	require.Equal(t, said, b.trouble("notices"))
	b.shows("trouble", said)
	uuid := b.ring(customerNumber)
	b.shows("ringing", "Peter Lang is calling")
	b.menuShows("Calling: Peter Lang\n Open customer\n Silence\n")

	require.NoError(t, b.desk.StartPiece(testdesk.Context(t), desktoptest.Notifications))
	toast := b.titled("Peter Lang")
	b.healed("notices")
	require.NoError(t, b.lab().Answer("101"))
	b.closed(toast)
	require.NoError(t, b.lab().CallerHangsUp(uuid))
	b.quiet()
	b.shows("idle", "Ready")

	// It dies while a call rings, and is started again.
	b.next()
	uuid = b.ring(customerNumber)
	b.titled("Peter Lang")
	b.desk.StopPiece(desktoptest.Notifications)
	b.next()
	require.NoError(t, b.desk.StartPiece(testdesk.Context(t), desktoptest.Notifications))
	again := b.titled("Peter Lang")
	require.NoError(t, b.lab().CallerHangsUp(uuid))
	b.closed(again)
}

func TestTrayHostIsMissingAndComesLater(t *testing.T) {
	t.Parallel()
	opts := desktoptest.Full()
	opts.Panel = false
	b := open(t, options{desktop: &opts, troubled: true})
	const said = "This desktop shows no tray icons. Use the command line: deskbell status."
	require.Equal(t, said, b.trouble("tray"))
	b.since = time.Time{} // it was told before the sign-in
	b.toast(said, func(n desktoptest.NoticeCall) bool { return n.Body == said })
	out, code := b.run("status")
	require.Equal(t, exitOK, code)
	require.Equal(t, said, out)
	uuid := b.ring(customerNumber)
	toast := b.titled("Peter Lang")
	require.NoError(t, b.lab().CallerHangsUp(uuid))
	b.closed(toast)

	require.NoError(t, b.desk.StartPiece(testdesk.Context(t), desktoptest.Panel))
	b.healed("tray")
	b.shows("idle+", "Ready – 1 missed call")
	b.desk.StopPiece(desktoptest.Panel)
	require.Equal(t, said, b.trouble("tray"))
	require.NoError(t, b.desk.StartPiece(testdesk.Context(t), desktoptest.Panel))
	b.healed("tray")
	b.shows("idle+", "Ready – 1 missed call")
}

// Nothing but a terminal: the command line tells and does all.
func TestNoDisplay(t *testing.T) {
	t.Parallel()
	b := open(t, options{desktop: &desktoptest.Options{}, troubled: true, contacts: customers})
	require.Equal(t, "There is no display. Use the command line: deskbell status.", b.trouble("display"))
	b.trouble("notices")
	b.trouble("tray")
	follow := b.spawn(program("deskbell"), "calls", "--follow")
	uuid := b.ring(petra)
	s := b.state("ringing", func(s view.State) bool { return len(s.Calls) == 1 && s.Calls[0].Title == "Petra Kurz" })
	require.Equal(t, "Petra Kurz is calling", s.Sentence)
	out, code := b.run("calls")
	require.Equal(t, exitOK, code)
	require.Equal(t, "Calling: Petra Kurz (030 55580)", strings.Split(out, "\n")[0])
	b.says(exitFailed, "NFON cannot answer calls from here. Answer on your phone.", "answer")
	b.says(exitFailed, "NFON cannot reject calls from here. Reject on your phone.", "hangup")
	require.Equal(t, "No sound can be played. Check the sound output in the settings; calls still appear.", b.trouble("sound"))
	require.NoError(t, b.lab().Answer("101"))
	b.state("talking", func(s view.State) bool { return len(s.Calls) == 1 && s.Calls[0].State == "connected" })
	require.NoError(t, b.lab().CallerHangsUp(uuid))
	b.quiet()
	b.await("every change was printed", func() error {
		text, err := os.ReadFile(filepath.Join(b.home, "spawned.log"))
		if err == nil && (!strings.Contains(string(text), "Calling: Petra Kurz") || !strings.Contains(string(text), "Talking: Petra Kurz") ||
			!strings.HasSuffix(string(text), "No calls.\n")) {
			err = os.ErrInvalid
		}
		return err
	})
	follow.Kill()
}

func TestNoBrowser(t *testing.T) {
	t.Parallel()
	b := open(t, options{env: []string{"BROWSER=/nonexistent/browser", "XDG_DATA_DIRS=/nonexistent"}})
	require.NoError(t, os.Remove(filepath.Join(b.desk.Home(), ".config/mimeapps.list")))
	require.NoError(t, os.Remove(filepath.Join(b.desk.Home(), ".local/share/applications/testbrowser.desktop")))
	uuid := b.ring(customerNumber)
	b.titled("Peter Lang")
	require.NoError(t, b.lab().Answer("101"))
	const said = "No browser could be started. Choose a default browser in your desktop's settings."
	toast := b.titled("Customer not opened: Peter Lang")
	require.Equal(t, said, html.UnescapeString(toast.Body))
	require.Equal(t, []string{"Open now"}, labels(toast))
	require.Equal(t, said, b.trouble("browser"))
	b.menuShows("Open now: Peter Lang\n")
	b.picture("no-browser")

	b.furnish(b.home)
	b.press(b.lastOf(toast), "Open now")
	b.page("18")
	b.healed("browser")
	require.NoError(t, b.lab().CallerHangsUp(uuid))
	b.quiet()
	require.Equal(t, 1, b.pages())
}

func TestNoKeyring(t *testing.T) {
	t.Parallel()
	b := open(t, options{wholeHome: true, troubled: true})
	const said = "There is no keyring; the sign-in is kept in a file that only you can read."
	require.Equal(t, said, b.trouble("keyring"))
	b.picture("no-keyring")
	b.says(exitOK, "Done.", "quit")
	<-b.tray.Gone()
	found := 0
	require.NoError(t, filepath.Walk(b.desk.Home(), func(path string, info os.FileInfo, err error) error {
		if err == nil && strings.Contains(path, "deskbell") && info.Mode().IsRegular() {
			require.Zero(t, info.Mode().Perm()&0o077, "%s is for its owner alone", path)
			found++
		}
		return err
	}))
	require.Greater(t, found, 3)
	b.startTray()
	require.Equal(t, said, b.trouble("keyring"), "signed in after a restart")
	b.settled()
}

func TestUnreadableSettings(t *testing.T) {
	t.Parallel()
	b := open(t, options{settings: "volume = = 3\n", troubled: true})
	said := b.trouble("settings")
	require.Contains(t, said, "The settings file was unreadable. It was kept as ")
	kept, err := os.ReadFile(filepath.Join(b.home, "settings.toml.broken-1"))
	require.NoError(t, err)
	require.Equal(t, "volume = = 3\n", string(kept))
}
