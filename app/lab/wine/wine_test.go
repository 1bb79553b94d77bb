//go:build wine && linux

package wine

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"deskbell/app/desk/view"
	"deskbell/app/lab/crm"
	"deskbell/app/lab/nfon"
	"deskbell/app/lab/record"
	"deskbell/app/machine/desktoptest"
	"deskbell/app/machine/desktoptest/testdesk"
)

// icons counts the icons in the panel's tray. wine hands them over the old way: as windows of its explorer inside the panel's.
func (b *bench) icons() int {
	tree, err := b.desk.Run(testdesk.Context(b.t), "xwininfo", "-root", "-tree")
	require.NoError(b.t, err)
	_, panel, _ := strings.Cut(tree, `"xfce4-panel": ("xfce4-panel" "Xfce4-panel")  1280x`)
	return strings.Count(panel, `("explorer.exe" "explorer.exe")  22x22`)
}

// sounds waits until an output plays something, and says that the other one was silent meanwhile.
func sounds(t *testing.T, at, other *desktoptest.LevelRecorder, since time.Time) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), limit)
	defer cancel()
	_, err := at.AwaitSound(ctx, since)
	require.NoError(t, err)
	require.LessOrEqual(t, other.Loudest(since), desktoptest.Audible)
}

func hushes(t *testing.T, at *desktoptest.LevelRecorder, since time.Time) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), limit)
	defer cancel()
	_, err := at.AwaitSilence(ctx, since, time.Second)
	require.NoError(t, err)
}

func TestProgramsOnWindows(t *testing.T) {
	b := open(t)
	require.NoError(t, os.WriteFile(filepath.Join(b.home, "settings.toml"), []byte("output = \"Headset\"\n"), 0o600))
	headset, desk := b.listen(desktoptest.Headset), b.listen(desktoptest.Desk)

	t.Run("every program says its version", func(t *testing.T) {
		for _, name := range []string{"deskbellctl", "deskbelld", "deskbell-lab"} {
			out, code := b.run(program(name+".exe"), "--version")
			require.Zero(t, code)
			require.Regexp(t, `^deskbell(d|-lab)? \d+\.\d+\.\d+ \(build \d+, \S+\)$`, out)
		}
		out, code := b.command("status")
		require.Equal(t, 3, code, out)
	})

	t.Run("the tray has an icon and takes commands", func(t *testing.T) {
		b.startTray()
		b.await("one icon in the tray", func() error {
			if n := b.icons(); n != 1 {
				return fmt.Errorf("%d icons", n)
			}
			return nil
		})
		b.invite()
	})

	t.Run("a second start hands over", func(t *testing.T) {
		_, code := b.run(program("deskbell.exe"))
		require.Zero(t, code)
		out, code := b.command()
		require.Equal(t, "Deskbell is already running.", out)
		require.Zero(t, code)
		require.Equal(t, 1, b.icons())
	})

	t.Run("a call rings at the chosen output", func(t *testing.T) {
		began, mark := time.Now(), b.stage.Lab.Log.Last()
		uuid, err := b.stage.Lab.Phones.RingInbound(nfon.Caller{Number: "+4930555012"}, "101")
		require.NoError(t, err)
		s := b.state("the name", func(s view.State) bool { return len(s.Calls) == 1 && s.Calls[0].Title == "Peter Lang" })
		require.Equal(t, "ringing", s.Icon)
		sounds(t, headset, desk, began)
		b.picture("wine-ringing")

		answered := time.Now()
		require.NoError(t, b.stage.Lab.Phones.Answer("101"))
		hushes(t, headset, answered)
		b.state("talking", func(s view.State) bool { return s.Icon == "incall" })
		page, err := record.Await(testdesk.Context(t), b.stage.Lab.Log, mark, func(a crm.Access) bool { return a.Endpoint == crm.Page })
		require.NoError(t, err)
		require.Equal(t, "18", page.Contact, "the customer opens in the desktop's browser")
		_, code := b.command("hangup")
		require.Equal(t, 1, code, "NFON cannot do that")
		require.NoError(t, b.stage.Lab.Phones.CallerHangsUp(uuid))
		b.state("no call", func(s view.State) bool { return len(s.Calls) == 0 })
		require.LessOrEqual(t, desk.Loudest(began), desktoptest.Audible)
	})

	t.Run("a number is dialled", func(t *testing.T) {
		mark := b.stage.Lab.Log.Last()
		out, code := b.command("dial", "--yes", "030 555012")
		require.Zero(t, code, out)
		made, err := record.Await(testdesk.Context(t), b.stage.Lab.Log, mark, func(nfon.APICall) bool { return true })
		require.NoError(t, err)
		require.Equal(t, "+4930555012", made.Callee)
		b.state("a call", func(s view.State) bool { return len(s.Calls) == 1 })
		out, code = b.command("hangup")
		require.Zero(t, code, out)
		b.state("no call", func(s view.State) bool { return len(s.Calls) == 0 })
	})

	t.Run("links are registered for the user", func(t *testing.T) {
		out, code := b.command("links", "register")
		require.Equal(t, "Deskbell opens telephone links.", out)
		require.Zero(t, code)
		command := windowsPath(program("deskbell.exe")) + ` "%1"`
		for _, scheme := range []string{"tel", "callto", "deskbell"} {
			key := `HKCU\Software\Classes\` + scheme
			require.Equal(t, command, b.value(key+`\shell\open\command`, ""))
			require.Empty(t, b.value(key, "URL Protocol"))
			require.Equal(t, "Deskbell.Link", b.value(`HKCU\Software\Deskbell\Capabilities\URLAssociations`, scheme))
		}
		require.Equal(t, `Software\Deskbell\Capabilities`, b.value(`HKCU\Software\RegisteredApplications`, "Deskbell"))
	})

	t.Run("it starts with the session if wanted", func(t *testing.T) {
		const key = `HKCU\Software\Microsoft\Windows\CurrentVersion\Run`
		_, code := b.command("autostart", "on")
		require.Zero(t, code)
		require.Contains(t, b.value(key, "Deskbell"), windowsPath(program("deskbell.exe")))
		_, code = b.command("autostart", "off")
		require.Zero(t, code)
		_, code = b.run("reg", "query", key, "/v", "Deskbell")
		require.NotZero(t, code)
	})

	t.Run("it ends", func(t *testing.T) {
		_, code := b.command("quit")
		require.Zero(t, code)
		b.await("the program has ended", func() error {
			select {
			case <-b.tray.Gone():
				return nil
			default:
				return errors.New("it runs")
			}
		})
		b.await("no icon in the tray", func() error {
			if n := b.icons(); n != 0 {
				return fmt.Errorf("%d icons", n)
			}
			return nil
		})
		_, code = b.command("status")
		require.Equal(t, 3, code)
	})
}

// value reads a value of the registry, which must be there; the default one if name is empty.
func (b *bench) value(key, name string) string {
	b.t.Helper()
	args := []string{"reg", "query", key, "/ve"}
	if name != "" {
		args = []string{"reg", "query", key, "/v", name}
	}
	out, code := b.run(args...)
	require.Zero(b.t, code, "%s %s", key, name)
	_, value, found := strings.Cut(out, "REG_SZ")
	require.True(b.t, found, out)
	return strings.TrimSpace(value)
}
