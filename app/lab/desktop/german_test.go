//go:build desktop && linux

package desktop

import (
	"errors"
	"testing"

	"github.com/stretchr/testify/require"

	"deskbell/app/machine/desktoptest"
)

func TestGerman(t *testing.T) {
	t.Parallel()
	b := open(t, options{env: []string{"LANG=de_DE.UTF-8", "LC_ALL=de_DE.UTF-8"}, contacts: customers})
	b.shows("idle", "Bereit")
	b.menuSays("Bereit – Anna Huber (off)", "---", "Nummer aus der Zwischenablage wählen", "Letzte Anrufe", " Noch keine Anrufe (off)",
		"Klingeln stumm schalten", "---", "Beenden")
	uuid := b.ring(petra)
	toast := b.toast("all is known", func(n desktoptest.NoticeCall) bool {
		return n.Title == "Petra Kurz" && n.Body == "Klingelt\n030 55580, Berlin\nNehmen Sie am Telefon ab"
	})
	require.Equal(t, []string{"Kunde öffnen", "Stumm"}, labels(toast))
	b.shows("ringing", "Anruf von Petra Kurz")
	b.menuShows("Klingelt: Petra Kurz\n Kunde öffnen\n Stumm\n" +
		" Annehmen: NFON kann Anrufe nicht von hier annehmen. Nehmen Sie am Telefon ab. (off)\n" +
		" Abweisen: NFON kann Anrufe nicht von hier abweisen. Weisen Sie am Telefon ab. (off)\n")
	b.picture("german")
	require.NoError(t, b.lab().CallerHangsUp(uuid))
	b.closed(toast)
	missed := b.titled("Verpasster Anruf: Petra Kurz")
	require.Equal(t, []string{"Zurückrufen", "Anzeigen"}, labels(missed))
	b.shows("idle+", "Bereit – 1 verpasster Anruf")
	b.says(exitNeedsYes, "Eine Webseite oder ein Programm möchte 030 55580 anrufen. Anrufen? Wiederholen Sie es mit --yes, um es zu tun.", "dial", "030 55580")
	out, code := b.typed("n", "dial", "*21*030#")
	require.Equal(t, exitNeedsYes, code, out)
	require.Contains(t, out, "[j/N] n")
	b.says(exitOK, "Heben Sie am Telefon ab, dann wird Petra Kurz gewählt.", "dial", "--yes", "030 55580")
	b.toast("pick up", func(n desktoptest.NoticeCall) bool {
		return n.Body == "Heben Sie am Telefon ab, dann wird Petra Kurz gewählt"
	})
	b.await("the phone rings", func() error { return b.lab().HangUp("101") })
	b.quiet()

	b.click("Beenden")
	b.await("the program has ended", func() error {
		select {
		case <-b.tray.Gone():
			return nil
		default:
			return errors.New("it runs")
		}
	})
	b.says(exitNotRunning, "Deskbell läuft nicht. Starten Sie es mit: deskbell", "status")
	require.Empty(t, b.up(), "no notification stays behind")
}
